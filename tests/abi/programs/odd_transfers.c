/* read(2), write(2), pread(2), pwrite(2): every length and offset around page borders, and zero. */
#include "check.h"
#include <sys/mman.h>

enum { SIZE = 4096 * 3 + 17 };
static unsigned char model[SIZE + 9000], got[SIZE + 9000];

static int wrong(int fd)
{
    memset(got, 0xee, sizeof got);
    long length = pread(fd, got, sizeof got, 0);
    return length != SIZE || memcmp(got, model, SIZE) != 0;
}

int main(void)
{
    const long offsets[] = {0, 1, 4095, 4096, 4097, 8191, 8192, SIZE - 1};
    const long lengths[] = {0, 1, 2, 511, 4095, 4096, 4097, 8192};
    int fd = open("f", O_RDWR | O_CREAT | O_TRUNC, 0644), errors = 0, mismatches = 0;
    for (int i = 0; i < SIZE; i++)
        model[i] = i * 7 + i / 256;
    MUST(write(fd, model, SIZE));
    SHOW(wrong(fd));
    for (int i = 0; i < 8; i++)
        for (int j = 0; j < 8; j++) {
            long length = lengths[j], offset = offsets[i];
            long expected = offset + length > SIZE ? SIZE - offset : length;
            errors += pread(fd, got + 3, length, offset) != expected;
            mismatches += memcmp(got + 3, model + offset, expected) != 0;
            lseek(fd, offset, SEEK_SET);
            errors += read(fd, got + 5, length) != expected;
            errors += lseek(fd, 0, SEEK_CUR) != offset + expected;
            mismatches += memcmp(got + 5, model + offset, expected) != 0;
            if (expected < length)
                continue;
            for (long k = 0; k < length; k++)
                model[offset + k] ^= 0x5a;
            errors += pwrite(fd, model + offset, length, offset) != length;
        }
    SHOW(errors);
    SHOW(mismatches);
    SHOW(wrong(fd));
    SHOW(read(fd, got, 0));
    SHOW(read(fd, NULL, 0));
    SHOW(read(fd, (void *)8, 0));
    SHOW(write(fd, NULL, 0));
    SHOW(write(fd, (void *)8, 1));
    SHOW(pread(fd, got, 1, -1));
    SHOW(pwrite(fd, got, 1, -1));
    SHOW(pread(fd, got, 1, INT64_MAX));
    SHOW(pread(fd, got, 10, SIZE));
    char *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(pages + 4096, 4096);
    SHOW(pread(fd, pages + 4090, 20, 0)); /* as far as memory reaches */
    SHOW(pread(fd, pages + 4096, 20, 0));
    SHOW(pwrite(fd, pages + 4090, 20, 0));
    int zero = open("/dev/zero", O_RDONLY), null = open("/dev/null", O_RDWR);
    SHOW(read(zero, pages, 4096));
    SHOW(read(null, pages, 4096));
    SHOW(write(null, pages, 4096));
    close(zero);
    close(null);
    munmap(pages, 4096);
    close(fd);
    fd = open("f", O_RDONLY);
    SHOW(write(fd, got, 1));
    SHOW(write(fd, (void *)8, 1));
    SHOW(pwrite(fd, got, 1, -1));
    close(fd);
    SHOW(read(99, (void *)8, 1));
    SHOW(pread(99, got, 1, -1));
    unlink("f");
    return 0;
}
