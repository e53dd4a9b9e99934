/* inode(7): set-user-ID and set-group-ID bits. A directory's group goes to what is made in it;
 * writing, truncating and giving away end a file's, but for who has CAP_FSETID. */
#include "check.h"

static void show_bits(const char *name)
{
    struct stat status;
    MUST(lstat(name, &status));
    printf("%s: %u %u %o\n", name, status.st_uid, status.st_gid, status.st_mode);
}

static void inherit(void)
{
    MUST(mkdir("d", 0777));
    MUST(chown("d", 5, 77));
    MUST(chmod("d", 02777));
    close(open("d/file", O_CREAT | O_RDWR, 0644));
    mkdir("d/directory", 0755);
    symlink("x", "d/link");
    mknod("d/fifo", S_IFIFO | 0600, 0);
    static const char *const made[] = {"d/file", "d/directory", "d/link", "d/fifo"};
    for (int i = 0; i < 4; i++) {
        show_bits(made[i]);
        remove(made[i]);
    }
    remove("d");
}

/* What a user without capabilities leaves of all bits. */
static void end(int file, const char *how, int permissions)
{
    struct stat status;
    MUST(seteuid(0));
    MUST(fchmod(file, permissions));
    MUST(seteuid(1000));
    long result = 0;
    if (strcmp(how, "write") == 0)
        result = write(file, "x", 1);
    else if (strcmp(how, "write nothing") == 0)
        result = write(file, "x", 0);
    else if (strcmp(how, "allocate") == 0)
        result = fallocate(file, 0, 0, 10);
    else
        result = ftruncate(file, 0);
    MUST(fstat(file, &status));
    printf("%s: %ld, %o to %o\n", how, result, permissions, status.st_mode & 07777);
}

int main(void)
{
    struct stat status;
    umask(0);
    inherit();
    int file = open("f", O_CREAT | O_RDWR, 0777);
    MUST(fchmod(file, 06777));
    SHOW(write(file, "x", 1));
    SHOW(ftruncate(file, 0));
    show_bits("f");
    MUST(fchown(file, 3, 3));
    show_bits("f");
    MUST(fchmod(file, 06767));
    MUST(fchown(file, -1, -1));
    show_bits("f");
    MUST(fchown(file, 1000, 1000));
    end(file, "write", 06777);
    end(file, "write nothing", 06777);
    end(file, "truncate", 06777);
    end(file, "allocate", 06777);
    SHOW(fchmod(file, 02777));
    MUST(fstat(file, &status));
    printf("chmod by one not of the group: %o\n", status.st_mode);
    MUST(seteuid(0));
    unlink("f");
    return 0;
}
