/* Takes as much of one thing as the system gives, and says why there was no more. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
}

static int take_memory(void)
{
    for (;;) {
        char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            return errno;
        *page = 1;
    }
}

static int take_mappings(void)
{
    for (int count = 0;; count++) {
        int access = count % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
        if (mmap(0, 4096, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return errno;
    }
}

static int take_threads(void)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    for (;;) {
        pthread_t thread;
        int error = pthread_create(&thread, &small, wait_for_ever, 0);
        if (error)
            return error;
    }
}

static int take_pipes(void)
{
    char bytes[4096] = "";
    for (;;) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK))
            return errno;
        while (write(ends[1], bytes, sizeof bytes) > 0)
            ;
    }
}

static int take_file_pages(void)
{
    static char bytes[65536];
    int file = open("/large", O_CREAT | O_WRONLY, 0600);
    while (write(file, bytes, sizeof bytes) > 0)
        ;
    int error = errno;
    unlink("/large");
    return error;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*take)(void);
    } kinds[] = {
        {"memory", take_memory}, {"mappings", take_mappings},     {"threads", take_threads},
        {"pipes", take_pipes},   {"file pages", take_file_pages},
    };
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            printf("no more: %s\n", strerrorname_np(kinds[i].take()));
    return 0;
}
