# What can be built, run and checked. Every target may be run again at no cost.

.DEFAULT_GOAL := help
.PHONY: help demo test soak fuzz bench image fixtures husk wheel venv packages clean


help: ## print this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 16

demo: husk venv ## convert the sample image, boot it, and fetch a page from it
	@scripts/install-packages run build
	@scripts/with-docker scripts/demo

test: husk venv ## run every test and check
	@scripts/install-packages run build test
	@scripts/with-docker scripts/test

soak: husk venv ## load real servers for minutes; results go to bench/results
	@scripts/install-packages run build test
	@scripts/with-docker scripts/soak

fuzz: husk venv ## make random system calls for 10 minutes; results go to bench/results
	@scripts/install-packages run build test
	@scripts/fuzz

bench: husk venv ## measure beside a Linux guest; about 20 minutes
	@scripts/install-packages run build bench
	@scripts/with-docker scripts/bench

image: ## build the sample image, nginx:latest
	@scripts/install-packages build
	@scripts/with-docker fixtures/nginx/build

fixtures: ## build every sample image
	@scripts/install-packages build test
	@scripts/with-docker scripts/build-fixtures

husk: ## build the library OS
	@scripts/husk

wheel: husk venv ## build a wheel that carries husk ready-built
	@scripts/wheel

venv: ## make the virtual environment in .venv
	@scripts/venv

clean: ## remove what was built here, .venv included
	@scripts/cargo clean --quiet
	rm -rf build dist .venv *.egg-info converter/*.egg-info
