/* null(4), full(4), random(4), and standard output by name. */
#include "check.h"
#include <sys/ioctl.h>
#include <sys/mman.h>

static char page[4096], zeros[4096];

int main(void)
{
    struct stat s;
    int null = open("/dev/null", O_RDWR), zero = open("/dev/zero", O_RDWR);
    int full = open("/dev/full", O_RDWR), random = open("/dev/urandom", O_RDONLY);
    MUST(null);
    MUST(zero);
    MUST(full);
    MUST(random);
    SHOW(write(null, page, sizeof page));
    SHOW(write(null, (void *)8, 100)); /* nobody looks at it */
    SHOW(write(zero, (void *)8, 100));
    SHOW(write(null, (void *)-4096, 100));
    SHOW(read(null, page, sizeof page));
    SHOW(lseek(null, 100, SEEK_SET) >= 0);
    memset(page, 1, sizeof page);
    SHOW(read(zero, page, 4095));
    CHECK(memcmp(page, zeros, 4095) == 0 && page[4095] == 1);
    SHOW(write(zero, page, 7));
    SHOW(write(full, page, 7));
    SHOW(read(full, page, 7));
    SHOW(read(random, page, sizeof page));
    CHECK(memcmp(page, zeros, sizeof page) != 0 && memcmp(page, page + 16, 16) != 0);
    SHOW(fstat(null, &s));
    CHECK(S_ISCHR(s.st_mode) && s.st_size == 0);
    CHECK(s.st_rdev == 0x103);
    fstat(zero, &s);
    CHECK(S_ISCHR(s.st_mode) && s.st_rdev == 0x105);
    SHOW(ftruncate(null, 0));
    SHOW(isatty(null));
    SHOW(ioctl(null, FIONREAD, page));
    close(null);
    null = open("/dev/null", O_WRONLY | O_CREAT | O_TRUNC, 0644);
    CHECK(null >= 0);
    SHOW(fsync(null));
    SHOW(open("/dev/null", O_RDONLY | O_DIRECTORY));
    SHOW(open("/dev/null/x", O_RDONLY));
    SHOW(open("/dev/absent", O_RDONLY));
    char *mapped = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, zero, 0);
    CHECK(mapped != MAP_FAILED);
    if (mapped != MAP_FAILED) {
        mapped[5000] = 1;
        CHECK(mapped[0] == 0 && mapped[5000] == 1 && mapped[8191] == 0);
        munmap(mapped, 8192);
    }
    SHOW((long)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, null, 0));
    fflush(stdout);
    int out = open("/dev/stdout", O_WRONLY);
    MUST(out);
    SHOW(dprintf(out, "by its name\n"));
    fflush(stdout);
    close(out);
    out = open("/proc/self/fd/1", O_WRONLY);
    MUST(out);
    SHOW(dprintf(out, "by its number\n"));
    close(out);
    close(null);
    close(zero);
    close(full);
    close(random);
    return 0;
}
