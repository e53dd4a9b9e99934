/* memfd_create(2) and fcntl(2) F_ADD_SEALS, F_GET_SEALS. */
#include "check.h"
#include <sys/mman.h>

#define PAGE 4096
#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x10
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

static int make(int seals)
{
    int fd = memfd_create("sealed", MFD_ALLOW_SEALING);
    MUST(write(fd, "0123456789", 10));
    MUST(fcntl(fd, F_ADD_SEALS, seals));
    return fd;
}

static void try(const char *what, int seals)
{
    int fd = make(seals);
    printf("%s: %x\n", what, fcntl(fd, F_GET_SEALS));
    SHOW(pwrite(fd, "x", 1, 0));
    SHOW(pwrite(fd, "xyz", 3, 9));
    SHOW(ftruncate(fd, 5));
    SHOW(ftruncate(fd, 20));
    SHOW(ftruncate(fd, 20));
    SHOW(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 2));
    SHOW(fallocate(fd, 0, 0, 100));
    void *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("shared: %s\n", p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    if (p != MAP_FAILED)
        munmap(p, PAGE);
    p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    printf("private: %s\n", p == MAP_FAILED ? strerrorname_np(errno) : "mapped");
    munmap(p, PAGE);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    close(fd);
}

static void who_may_seal(void)
{
    int fd = memfd_create("plain", 0);
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(fd, F_GETFD));
    close(fd);
    fd = memfd_create("closes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(fcntl(fd, F_GET_SEALS));
    SHOW(fcntl(fd, F_ADD_SEALS, 0x1000));
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    int reader = open(path, O_RDONLY);
    SHOW(fcntl(reader, F_ADD_SEALS, F_SEAL_GROW));
    SHOW(fcntl(reader, F_GET_SEALS));
    close(reader);
    close(fd);
    fd = open("regular", O_RDWR | O_CREAT, 0600);
    unlink("regular");
    close(fd);
    int ends[2];
    MUST(pipe(ends));
    SHOW(fcntl(ends[0], F_GET_SEALS));
    SHOW(fcntl(ends[1], F_ADD_SEALS, F_SEAL_GROW));
    close(ends[0]);
    close(ends[1]);
    SHOW(memfd_create("x", 0x1000));
    fd = memfd_create("not to be executed", MFD_NOEXEC_SEAL);
    struct stat status;
    fstat(fd, &status);
    printf("mode %o seals %x\n", status.st_mode, fcntl(fd, F_GET_SEALS));
    close(fd);
}

static void what_is_mapped(void)
{
    int fd = memfd_create("mapped", MFD_ALLOW_SEALING);
    MUST(ftruncate(fd, PAGE));
    char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
    p[0] = 'w';
    CHECK(q[0] == 'w');
    SHOW(pwrite(fd, "x", 1, 0));
    CHECK(mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED && errno == EPERM);
    char *r = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(r != MAP_FAILED && r[0] == 'w');
    SHOW(mprotect(r, PAGE, PROT_READ | PROT_WRITE));
    munmap(p, PAGE);
    munmap(q, PAGE);
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_SEAL));
    SHOW(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
    munmap(r, PAGE);
    close(fd);
}

int main(void)
{
    try("none", 0);
    try("shrink", F_SEAL_SHRINK);
    try("grow", F_SEAL_GROW);
    try("write", F_SEAL_WRITE);
    try("future write", F_SEAL_FUTURE_WRITE);
    try("all", F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
    who_may_seal();
    what_is_mapped();
    return 0;
}
