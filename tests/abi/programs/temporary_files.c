/* open(2) O_TMPFILE, memfd_create(2), mkstemp(3), tmpfile(3): files without names. */
#include "check.h"
#include <sys/mman.h>

int main(void)
{
    char text[16] = {0}, name[] = "tXXXXXX", path[64], directory[] = "dXXXXXX";
    struct stat st;
    int fd = open(".", O_TMPFILE | O_RDWR, 0640);
    SHOW(fstat(fd, &st));
    printf("links %ld, mode %o\n", (long)st.st_nlink, st.st_mode);
    MUST(write(fd, "named", 5));
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "now", AT_SYMLINK_FOLLOW));
    int named = open("now", O_RDONLY);
    SHOW(read(named, text, sizeof text));
    printf("%s\n", text);
    close(named);
    SHOW(unlink("now"));
    close(fd);
    fd = open(".", O_TMPFILE | O_RDWR | O_EXCL, 0600);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
    close(fd);

    fd = memfd_create("memory", MFD_CLOEXEC);
    SHOW(fcntl(fd, F_GETFD));
    SHOW(ftruncate(fd, 10000));
    MUST(pwrite(fd, "m", 1, 9999));
    fstat(fd, &st);
    printf("size %ld, links %ld, mode %o\n", (long)st.st_size, (long)st.st_nlink, st.st_mode);
    char *map = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    printf("%c\n", map[9999]);
    map[0] = 'z';
    MUST(pread(fd, text, 1, 0));
    printf("%c\n", text[0]);
    munmap(map, 12288);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    memset(text, 0, sizeof text);
    SHOW(readlink(path, text, 15));
    printf("%s\n", text);
    int again = open(path, O_RDONLY); /* another description of the same file */
    SHOW(read(again, text, 1));
    SHOW(lseek(fd, 0, SEEK_CUR));
    close(again);
    close(fd);
    SHOW(memfd_create((char *)1, 0));
    SHOW(memfd_create("x", 0x100));
    memset(path, 'x', sizeof path);
    char long_name[300];
    memset(long_name, 'n', sizeof long_name);
    long_name[250] = 0;
    SHOW(memfd_create(long_name, 0));
    long_name[249] = 0;
    SHOW(memfd_create(long_name, 0) >= 0);

    fd = mkstemp(name);
    CHECK(fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
    SHOW(unlink(name));
    close(fd);
    CHECK(mkdtemp(directory) != NULL);
    SHOW(rmdir(directory));
    FILE *file = tmpfile();
    fputs("temporary", file);
    rewind(file);
    CHECK(fgets(text, sizeof text, file) && !strcmp(text, "temporary"));
    fclose(file);
    return 0;
}
