/* path_resolution(7): trailing slashes, repeated ones, dots, and empty paths, for every call with one. */
#include "check.h"
#include <sys/statfs.h>
#include <utime.h>

static void put(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT, 0644);
    MUST(fd);
    close(fd);
}

int main(void)
{
    struct stat st;
    char text[64];
    MUST(mkdir("d", 0755));
    put("f");
    MUST(symlink("d", "to_d"));
    MUST(symlink("f", "to_f"));
    MUST(symlink("absent", "dangling"));
    SHOW(open("", O_RDONLY));
    SHOW(stat("", &st));
    SHOW(lstat("", &st));
    SHOW(mkdir("", 0755));
    SHOW(rmdir(""));
    SHOW(unlink(""));
    SHOW(chdir(""));
    SHOW(rename("", "x"));
    SHOW(rename("f", ""));
    SHOW(link("", "x"));
    SHOW(symlink("f", ""));
    SHOW(readlink("", text, sizeof text));
    SHOW(access("", F_OK));
    SHOW(chmod("", 0));
    SHOW(truncate("", 0));

    SHOW(stat("f/", &st));
    SHOW(stat("f/.", &st));
    SHOW(stat("f/..", &st));
    SHOW(stat("d///", &st));
    SHOW(stat("d/./../d/.", &st));
    SHOW(stat(".//f", &st));
    SHOW(stat("to_d/", &st));
    SHOW(lstat("to_d/", &st));
    CHECK(S_ISDIR(st.st_mode));
    SHOW(lstat("to_d", &st));
    CHECK(S_ISLNK(st.st_mode));
    SHOW(lstat("to_f/", &st));
    SHOW(stat("dangling/", &st));
    SHOW(lstat("dangling/", &st));

    SHOW(open("f/", O_RDONLY));
    SHOW(open("f/", O_WRONLY | O_CREAT, 0644));
    SHOW(open("new/", O_WRONLY | O_CREAT, 0644));
    SHOW(open("new/.", O_WRONLY | O_CREAT, 0644));
    SHOW(open("d/", O_WRONLY | O_CREAT, 0644));
    SHOW(open("d/.", O_WRONLY | O_CREAT, 0644));
    SHOW(open("dangling/", O_WRONLY | O_CREAT, 0644));
    SHOW(mknod("node/", S_IFREG | 0644, 0));
    SHOW(mkdir("made/", 0755));
    SHOW(mkdir("made/.", 0755));
    SHOW(mkdir("new/.", 0755));
    SHOW(mkdir("f/", 0755));
    SHOW(mkdir("dangling/", 0755));
    SHOW(unlink("f/"));
    SHOW(unlink("to_f/"));
    SHOW(unlink("to_d/"));
    SHOW(unlink("d/"));
    SHOW(unlink("d/."));
    SHOW(unlink("d/.."));
    SHOW(rmdir("f/"));
    SHOW(rmdir("to_d/"));
    SHOW(rmdir("to_d"));
    SHOW(rmdir("made/."));
    SHOW(rmdir("made/.."));
    SHOW(rmdir("made//"));
    SHOW(rename("f/", "g"));
    SHOW(rename("f", "g/"));
    SHOW(rename("d/", "e/"));
    SHOW(rename("e", "d/"));
    SHOW(rename("d/.", "e"));
    SHOW(rename("d", "."));
    SHOW(rename("to_d/", "e"));
    SHOW(link("f/", "g"));
    SHOW(link("f", "g/"));
    SHOW(symlink("x", "s/"));
    SHOW(symlink("x", "d/"));
    SHOW(readlink("to_f/", text, sizeof text));
    SHOW(readlink("to_d/", text, sizeof text));
    SHOW(truncate("f/", 0));
    SHOW(truncate("d/", 0));
    SHOW(chmod("f/", 0644));
    SHOW(chown("f/", 0, 0));
    SHOW(lchown("to_f/", 0, 0));
    SHOW(utime("f/", NULL));
    SHOW(access("f/", F_OK));
    SHOW(chdir("f/"));
    SHOW(statfs("f/", &(struct statfs){}));
    const char *left[] = {"f", "to_d", "to_f", "dangling"};
    for (int i = 0; i < 4; i++)
        MUST(unlink(left[i]));
    MUST(rmdir("d"));
    return 0;
}
