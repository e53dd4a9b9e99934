/* path_resolution(7), inode(7), access(2), chmod(2), chown(2), utimensat(2): what the modes of files
 * permit to who is not root, and what only owners may. Users come and go by seteuid(2). */
#include "check.h"
#include <grp.h>
#include <sys/inotify.h>
#include <sys/statfs.h>
#include <utime.h>

enum { ALICE = 1001, BOB = 1002, CROWD = 2000 };

static void become(int uid, int gid, int group)
{
    gid_t groups[] = {group};
    MUST(seteuid(0));
    MUST(setgroups(group != 0, groups));
    MUST(setegid(gid));
    MUST(seteuid(uid));
    printf("now %d:%d +%d\n", uid, gid, group);
}

static void make(const char *path, int mode, int uid, int gid)
{
    int fd = open(path, O_RDWR | O_CREAT, 0600);
    MUST(fd);
    MUST(write(fd, "text", 4));
    MUST(fchown(fd, uid, gid));
    MUST(fchmod(fd, mode));
    MUST(close(fd));
}

static void make_directory(const char *path, int mode, int uid, int gid)
{
    MUST(mkdir(path, 0700));
    MUST(chown(path, uid, gid));
    MUST(chmod(path, mode));
}

static int opens(const char *path, int flags)
{
    int fd = open(path, flags, 0600);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static int mode_of(const char *path)
{
    struct stat s;
    MUST(stat(path, &s));
    return s.st_mode & 07777;
}

static void of_files(void)
{
    make("owner", 0600, ALICE, ALICE);
    make("reading", 0444, ALICE, ALICE);
    make("writing", 0222, ALICE, ALICE);
    make("group", 0060, ALICE, CROWD);
    make("not-owner", 0077, ALICE, CROWD);
    make("script", 0711, 0, 0);
    for (int who = 0; who < 4; who++) {
        become((int[]){0, ALICE, BOB, BOB}[who], (int[]){0, ALICE, BOB, CROWD}[who],
               (int[]){0, 0, CROWD, 0}[who]);
        const char *files[] = {"owner", "reading", "writing", "group", "not-owner", "script"};
        for (int i = 0; i < 6; i++) {
            printf("%s\n", files[i]);
            SHOW(opens(files[i], O_RDONLY));
            SHOW(opens(files[i], O_WRONLY));
            SHOW(opens(files[i], O_RDWR));
            SHOW(opens(files[i], O_RDONLY | O_CREAT));
            SHOW(opens(files[i], O_PATH));
            SHOW(truncate(files[i], 2));
            SHOW(faccessat(AT_FDCWD, files[i], R_OK, AT_EACCESS));
            SHOW(faccessat(AT_FDCWD, files[i], W_OK, AT_EACCESS));
            SHOW(faccessat(AT_FDCWD, files[i], X_OK, AT_EACCESS));
            SHOW(faccessat(AT_FDCWD, files[i], R_OK | W_OK, AT_EACCESS));
            SHOW(access(files[i], R_OK | W_OK)); /* by the real user, root */
            SHOW(access(files[i], X_OK));
        }
    }
    SHOW(opens("reading", O_RDONLY | O_TRUNC));
    become(0, 0, 0);
}

static void of_directories(void)
{
    make_directory("closed", 0700, ALICE, ALICE);
    make_directory("listed", 0744, ALICE, ALICE);
    make_directory("searched", 0711, ALICE, ALICE);
    make("closed/f", 0666, BOB, BOB);
    make("listed/f", 0666, BOB, BOB);
    make("searched/f", 0666, BOB, BOB);
    make_directory("searched/inner", 0777, BOB, BOB);
    MUST(symlink("../closed/f", "searched/link"));
    become(BOB, BOB, 0);
    const char *directories[] = {"closed", "listed", "searched"};
    struct stat s;
    struct statfs space;
    char path[100], target[100];
    for (int i = 0; i < 3; i++) {
        printf("%s\n", directories[i]);
        SHOW(opens(directories[i], O_RDONLY | O_DIRECTORY));
        SHOW(access(directories[i], F_OK));
        snprintf(path, sizeof path, "%s/f", directories[i]);
        SHOW(stat(path, &s));
        SHOW(opens(path, O_RDWR));
        SHOW(unlink(path));
        SHOW(chmod(path, 0600));
        SHOW(rename(path, "elsewhere"));
        SHOW(statfs(path, &space));
        snprintf(path, sizeof path, "%s/absent", directories[i]);
        SHOW(stat(path, &s));
        SHOW(opens(path, O_RDWR | O_CREAT));
        SHOW(unlink(path));
        SHOW(mkdir(path, 0700));
        SHOW(symlink("x", path));
        SHOW(mkfifo(path, 0600));
        snprintf(path, sizeof path, "%s/.", directories[i]);
        SHOW(stat(path, &s));
        SHOW(chdir(directories[i]) ? -1 : chdir(".."));
    }
    SHOW(readlink("searched/link", target, sizeof target));
    SHOW(stat("searched/link", &s));
    SHOW(opens("searched/inner/new", O_RDWR | O_CREAT));
    SHOW(rename("searched/inner/new", "searched/new"));
    SHOW(rename("searched/inner", "searched/other"));
    SHOW(unlink("searched/inner/new"));
    SHOW(rmdir("searched/inner"));
    SHOW(mknod("searched/inner/device", S_IFCHR | 0600, 0x103));
    SHOW(opens("searched/inner", O_TMPFILE | O_RDWR));
    SHOW(opens("searched", O_TMPFILE | O_RDWR));
    int fd = inotify_init();
    SHOW(inotify_add_watch(fd, "closed", IN_OPEN));
    SHOW(inotify_add_watch(fd, "searched", IN_OPEN));
    SHOW(inotify_add_watch(fd, "listed", IN_OPEN) > 0);
    close(fd);
    fd = open("closed", O_PATH);
    SHOW(fchdir(fd));
    SHOW(openat(fd, "f", O_RDONLY));
    close(fd);
    become(0, 0, 0);
    SHOW(unlink("searched/link"));
}

static void of_sticky_directories(void)
{
    make_directory("sticky", 01777, ALICE, ALICE);
    make_directory("plain", 0777, ALICE, ALICE);
    make("sticky/alice", 0666, ALICE, ALICE);
    make("sticky/bob", 0666, BOB, BOB);
    make("sticky/root", 0666, 0, 0);
    make("plain/alice", 0666, ALICE, ALICE);
    make_directory("plain/full", 0777, ALICE, ALICE);
    make_directory("plain/unwritten", 0755, ALICE, ALICE);
    become(BOB, BOB, 0);
    SHOW(unlink("sticky/alice"));
    SHOW(rename("sticky/alice", "sticky/x"));
    SHOW(rename("sticky/bob", "sticky/alice"));
    SHOW(rename("plain/alice", "sticky/root"));
    SHOW(renameat2(AT_FDCWD, "sticky/bob", AT_FDCWD, "sticky/alice", 2));
    SHOW(renameat2(AT_FDCWD, "sticky/alice", AT_FDCWD, "sticky/bob", 1));
    SHOW(rmdir("sticky/alice"));
    SHOW(unlink("sticky/bob"));
    SHOW(unlink("plain/alice"));
    SHOW(rename("plain/unwritten", "plain/renamed"));
    SHOW(rename("plain/renamed", "plain/full/moved"));
    SHOW(rename("plain/full", "sticky/full"));
    become(ALICE, ALICE, 0);
    SHOW(unlink("sticky/root")); /* the directory's owner may */
    SHOW(unlink("sticky/alice"));
    SHOW(rmdir("sticky/full"));
    SHOW(rmdir("plain/renamed"));
    become(0, 0, 0);
}

static void of_owners(void)
{
    make("alice", 0666, ALICE, ALICE);
    make("root", 0666, 0, 0);
    make("secret", 0600, 0, 0);
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_NOW}}, then[2] = {{5, 0}, {5, 0}};
    struct timespec half[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    struct timespec none[2] = {{0, UTIME_OMIT}, {0, UTIME_OMIT}};
    become(ALICE, ALICE, CROWD);
    SHOW(chmod("alice", 0640));
    SHOW(chmod("root", 0640));
    SHOW(chown("alice", ALICE, CROWD));
    SHOW(chmod("alice", 02755));
    printf("%o\n", mode_of("alice"));
    SHOW(chown("alice", -1, BOB));
    SHOW(chown("alice", BOB, -1));
    SHOW(chown("alice", ALICE, -1));
    SHOW(chown("alice", -1, -1));
    SHOW(chown("root", -1, -1));
    SHOW(chown("root", -1, ALICE));
    SHOW(chown("root", 0, -1));
    SHOW(utimensat(AT_FDCWD, "alice", then, 0));
    SHOW(utimensat(AT_FDCWD, "root", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "root", now, 0));
    SHOW(utimensat(AT_FDCWD, "root", half, 0));
    SHOW(utimensat(AT_FDCWD, "root", then, 0));
    SHOW(utimensat(AT_FDCWD, "root", none, 0));
    SHOW(utimensat(AT_FDCWD, "secret", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "secret", then, 0));
    SHOW(utimensat(AT_FDCWD, "secret", none, 0));
    SHOW(utime("root", NULL));
    become(0, 0, 0);
    SHOW(chown("alice", -1, BOB));
    become(ALICE, ALICE, 0);
    SHOW(chmod("alice", 02755)); /* not in the group: no set-group-id */
    printf("%o\n", mode_of("alice"));
    become(0, 0, 0);
    SHOW(chmod("alice", 06755));
    SHOW(chown("alice", ALICE, ALICE));
    printf("%o\n", mode_of("alice"));
}

int main(void)
{
    umask(0);
    MUST(chmod(".", 0755));
    of_files();
    of_directories();
    of_sticky_directories();
    of_owners();
    /* The real user counts to access(2). */
    MUST(setresuid(BOB, 0, 0));
    SHOW(access("secret", R_OK));
    SHOW(faccessat(AT_FDCWD, "secret", R_OK, AT_EACCESS));
    MUST(setresuid(0, 0, 0));
    char command[] = "owner reading writing group not-owner script alice root secret closed/f "
                     "listed/f searched/f sticky/bob plain/alice";
    for (char *name = strtok(command, " "); name; name = strtok(NULL, " "))
        unlink(name);
    char directories[] = "searched/other searched/inner plain/full/moved plain/full "
                         "plain/unwritten closed listed searched sticky plain";
    for (char *name = strtok(directories, " "); name; name = strtok(NULL, " "))
        rmdir(name);
    unlink("sticky/root");
    return 0;
}
