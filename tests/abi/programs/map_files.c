/* mmap(2) of files: private and shared, writes seen and not seen, the last page, and past the end. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>

static sigjmp_buf back;

static void handler(int signal)
{
    siglongjmp(back, signal);
}

static const char *touch(volatile char *at, int write)
{
    int signal = sigsetjmp(back, 1);
    if (signal)
        return sigabbrev_np(signal);
    if (write)
        *at = 1;
    else
        (void)*at;
    return "fine";
}

int main(void)
{
    char byte;
    signal(SIGSEGV, handler);
    signal(SIGBUS, handler);
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), only = open("f", O_RDONLY);
    int write_only = open("f", O_WRONLY), directory = open(".", O_RDONLY), p[2];
    for (int i = 0; i < 5000; i++)
        MUST(write(fd, "abcdefgh" + i % 8, 1));
    char *shared = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    CHECK(shared[0] == 'a' && private[4999] == 'h' && shared[5000] == 0 && shared[8191] == 0);
    shared[1] = 'S';
    MUST(pread(fd, &byte, 1, 1));
    printf("read %c, private %c\n", byte, private[1]);
    private[2] = 'P';
    MUST(pread(fd, &byte, 1, 2));
    printf("read %c, shared %c, private %c\n", byte, shared[2], private[2]);
    MUST(pwrite(fd, "WW", 2, 1));
    printf("shared %c%c, private %c%c\n", shared[1], shared[2], private[1] == 'W' || private[1] == 'S' ? '?' : private[1], private[2]);
    MUST(pwrite(fd, "4", 1, 4096));
    printf("untouched page of a private mapping: %c\n", private[4096]);
    shared[6000] = 'x'; /* after the end, on the last page: lost */
    MUST(ftruncate(fd, 7000));
    printf("past the end: %d\n", pread(fd, &byte, 1, 6500) == 1 ? byte : -1);
    printf("last page %s, next page %s, written %s\n", touch(shared + 8191, 0),
           touch(shared + 8192, 0), touch(shared + 8192, 1));
    MUST(ftruncate(fd, 12288));
    printf("after it grew: %s\n", touch(shared + 8192, 1));
    MUST(ftruncate(fd, 100));
    printf("after it shrank: %s\n", touch(shared + 4096, 0));
    SHOW(msync(shared, 4096, MS_SYNC));
    SHOW(msync(shared, 4096, MS_ASYNC | MS_SYNC));
    SHOW(msync(shared + 1, 4096, MS_SYNC));
    SHOW(msync(shared, 4096, 8));
    SHOW(munmap(shared, 12288));
    SHOW(msync(shared, 4096, MS_SYNC));
    SHOW(munmap(private, 8192));

    CHECK(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, only, 0) == MAP_FAILED && errno == EACCES);
    char *copy = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE, only, 0);
    CHECK(copy != MAP_FAILED);
    copy[0] = 'c';
    MUST(pread(only, &byte, 1, 0));
    printf("%c\n", byte);
    SHOW(munmap(copy, 4096));
    copy = mmap(NULL, 4096, PROT_READ, MAP_SHARED, only, 0);
    SHOW(mprotect(copy, 4096, PROT_READ | PROT_WRITE));
    SHOW(munmap(copy, 4096));
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, write_only, 0) == MAP_FAILED && errno == EACCES);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, write_only, 0) == MAP_FAILED && errno == EACCES);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, directory, 0) == MAP_FAILED && errno == ENODEV);
    MUST(pipe(p));
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, p[0], 0) == MAP_FAILED && errno == ENODEV);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, 99, 0) == MAP_FAILED && errno == EBADF);
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 100) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, 0, PROT_READ, MAP_PRIVATE, fd, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, 4096, PROT_READ, 0, fd, 0) == MAP_FAILED && errno == EINVAL);
    copy = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 8192); /* all of it past the end */
    printf("wholly past the end: %s\n", touch(copy, 0));
    munmap(copy, 4096);
    copy = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    unlink("f");
    copy[0] = 'K'; /* the mapping keeps the file */
    MUST(pread(only, &byte, 1, 0));
    printf("%c\n", byte);
    munmap(copy, 4096);
    SHOW(close_range(3, 50, 0));
    return 0;
}
