/* open(2), NOTES: access mode 3 checks for reading and writing and then allows neither. And flags
 * of open(2) that contradict each other. */
#include "check.h"
#include <sys/mman.h>

#define O_TMPFILE_ALONE (O_TMPFILE & ~O_DIRECTORY)

static void use(int fd)
{
    char byte;
    struct flock lock = {.l_type = F_RDLCK};
    SHOW(read(fd, &byte, 1));
    SHOW(write(fd, "q", 1));
    SHOW(pwrite(fd, "q", 1, 0));
    SHOW(ftruncate(fd, 0));
    SHOW(fallocate(fd, 0, 0, 10));
    SHOW(fcntl(fd, F_GETFL) & O_ACCMODE);
    SHOW(fcntl(fd, F_SETLK, &lock));
    lock.l_type = F_WRLCK;
    SHOW(fcntl(fd, F_SETLK, &lock));
    CHECK(mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED);
    CHECK(errno == EACCES);
}

int main(void)
{
    struct stat status;
    int file = open("f", O_CREAT | O_RDWR, 0600);
    write(file, "abc", 3);
    int fd = open("f", O_ACCMODE);
    CHECK(fd >= 0);
    use(fd);
    MUST(fstat(file, &status));
    SHOW(status.st_size);
    SHOW(open(".", O_ACCMODE));
    SHOW(open("missing", O_TMPFILE_ALONE | O_RDWR, 0600));
    SHOW(open(".", O_TMPFILE_ALONE | O_RDWR, 0600));
    SHOW(open(".", O_TMPFILE | O_RDONLY, 0600));
    SHOW(open(".", O_TMPFILE | O_RDWR | O_CREAT, 0600));
    SHOW(open("missing", O_TMPFILE | O_RDWR, 0600));
    CHECK(open(".", O_PATH | O_TMPFILE) >= 0);
    CHECK(open(".", O_TMPFILE | O_RDWR, 0600) >= 0);
    unlink("f");
    return 0;
}
