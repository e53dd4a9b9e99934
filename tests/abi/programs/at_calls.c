/* openat(2) and the other *at calls: paths below a descriptor, AT_FDCWD, absolute paths, wrong ones. */
#include "check.h"

int main(void)
{
    char text[32] = {0}, start[256], absolute[300];
    struct stat s;
    CHECK(getcwd(start, sizeof start) != NULL);
    mkdir("d", 0755);
    int d = open("d", O_RDONLY | O_DIRECTORY), path = open("d", O_PATH);
    int file = openat(d, "f", O_RDWR | O_CREAT, 0644);
    MUST(file);
    SHOW(write(file, "abc", 3));
    SHOW(access("d/f", F_OK));
    SHOW(openat(file, "x", O_RDONLY));
    SHOW(openat(99, "x", O_RDONLY));
    SHOW(openat(-1, "x", O_RDONLY));
    SHOW(fstatat(d, "f", &s, 0));
    SHOW(s.st_size);
    SHOW(fstatat(path, "f", &s, 0));
    SHOW(fstatat(d, "", &s, 0));
    SHOW(fstatat(file, "", &s, AT_EMPTY_PATH));
    SHOW(s.st_size);
    SHOW(fstatat(AT_FDCWD, "", &s, AT_EMPTY_PATH));
    CHECK(S_ISDIR(s.st_mode));
    snprintf(absolute, sizeof absolute, "%s/d/f", strcmp(start, "/") ? start : "");
    SHOW(fstatat(99, absolute, &s, 0));
    SHOW(fstatat(d, "../d/./../d/f", &s, 0));
    SHOW(mkdirat(d, "sub", 0700));
    int sub = openat(d, "sub", O_RDONLY | O_DIRECTORY);
    SHOW(symlinkat("../f", sub, "s"));
    SHOW(readlinkat(sub, "s", text, sizeof text));
    printf("%s\n", text);
    SHOW(fstatat(sub, "s", &s, 0));
    CHECK(S_ISREG(s.st_mode));
    SHOW(fstatat(sub, "s", &s, AT_SYMLINK_NOFOLLOW));
    CHECK(S_ISLNK(s.st_mode));
    SHOW(fstatat(sub, "s", &s, 0x40000000));
    SHOW(linkat(sub, "s", d, "hard", 0));
    SHOW(linkat(sub, "s", d, "g", AT_SYMLINK_FOLLOW));
    SHOW(fstatat(d, "g", &s, 0));
    SHOW(s.st_nlink);
    SHOW(renameat(d, "g", sub, "h"));
    SHOW(faccessat(d, "g", F_OK, 0));
    SHOW(faccessat(sub, "h", R_OK, 0));
    SHOW(fchmodat(sub, "h", 0751, 0));
    fstat(file, &s);
    printf("%o\n", s.st_mode & 07777);
    SHOW(fchownat(sub, "s", 5, 6, AT_SYMLINK_NOFOLLOW));
    fstatat(sub, "s", &s, AT_SYMLINK_NOFOLLOW);
    printf("%u:%u\n", s.st_uid, s.st_gid);
    SHOW(unlinkat(d, "sub", 0));
    SHOW(unlinkat(d, "sub", AT_REMOVEDIR));
    SHOW(unlinkat(d, "f", AT_REMOVEDIR));
    SHOW(unlinkat(d, "f", 1));
    SHOW(unlinkat(d, "hard", 0));
    SHOW(unlinkat(sub, "s", 0));
    SHOW(unlinkat(sub, "h", 0));
    SHOW(unlinkat(d, "sub", AT_REMOVEDIR));
    SHOW(openat(sub, "x", O_WRONLY | O_CREAT, 0644));
    SHOW(unlinkat(d, "f", 0));
    close(sub);
    close(file);
    close(path);
    close(d);
    SHOW(rmdir("d"));
    return 0;
}
