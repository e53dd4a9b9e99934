"""The Linux kernel that a guest's own is held against where its drivers are counted.

The kernel that a container really runs on is its host's, which nobody knows here. So one kernel
stands for it, the smallest that Debian 12 has for virtual machines, counted from its package:

    apt-get download linux-image-6.1.0-56-cloud-amd64   # version 6.1.192-2
    dpkg-deb -x linux-image-*.deb x && cd x/lib/modules/*
    find kernel/drivers -name '*.ko' | wc -l            # loadable: =m
    grep -c '^kernel/drivers/' modules.builtin          # built in: =y

`modules.builtin` has what could have been a module; drivers that can only be built in are in
neither (Linux's Documentation/kbuild/kbuild.rst), so there are more. A module is not always one
driver: some are what several have in common.
"""

from __future__ import annotations

NAME = "Debian 12's kernel for virtual machines (linux-image-6.1.0-56-cloud-amd64 6.1.192-2)"
LOADABLE_DRIVERS = 461
BUILT_IN_DRIVERS = 58
DRIVERS = LOADABLE_DRIVERS + BUILT_IN_DRIVERS
EVIDENCE = (
    f"{LOADABLE_DRIVERS} modules below kernel/drivers",
    f"{BUILT_IN_DRIVERS} of kernel/drivers in modules.builtin",
)
