/* rename(2), renameat2(2): every kind of file onto every other, with each flag. */
#include "check.h"
#include <linux/fs.h>

enum { FILE_KIND, EMPTY, FULL, LINK, ABSENT, KINDS };
static const char *const names[] = {"file", "empty", "full", "link", "absent"};

static void make(const char *path, int kind)
{
    char inside[64];
    if (kind == FILE_KIND)
        close(open(path, O_WRONLY | O_CREAT, 0644));
    else if (kind == LINK)
        symlink("nowhere", path);
    else if (kind != ABSENT)
        mkdir(path, 0755);
    snprintf(inside, sizeof inside, "%s/inside", path);
    if (kind == FULL)
        close(open(inside, O_WRONLY | O_CREAT, 0644));
}

static void clear(const char *path)
{
    char inside[64];
    snprintf(inside, sizeof inside, "%s/inside", path);
    unlink(inside);
    rmdir(path);
    unlink(path);
}

static const char *kind_of(const char *path)
{
    struct stat st;
    char inside[64];
    if (lstat(path, &st))
        return "absent";
    snprintf(inside, sizeof inside, "%s/inside", path);
    return S_ISLNK(st.st_mode)              ? "link"
           : S_ISREG(st.st_mode)            ? "file"
           : access(inside, F_OK) == 0 ? "full"
                                            : "empty";
}

static void with(const char *what, unsigned flags)
{
    printf("%s\n", what);
    for (int from = 0; from < KINDS; from++)
        for (int to = 0; to < KINDS; to++) {
            make("from", from);
            make("to", to);
            int result = renameat2(AT_FDCWD, "from", AT_FDCWD, "to", flags);
            printf("%s onto %s: %s, then %s and %s\n", names[from], names[to],
                   result ? strerrorname_np(errno) : "done", kind_of("from"), kind_of("to"));
            clear("from");
            clear("to");
        }
}

int main(void)
{
    with("no flags", 0);
    with("RENAME_NOREPLACE", RENAME_NOREPLACE);
    with("RENAME_EXCHANGE", RENAME_EXCHANGE);
    make("from", FILE_KIND);
    SHOW(renameat2(AT_FDCWD, "from", AT_FDCWD, "to", 8));
    SHOW(renameat2(AT_FDCWD, "from", AT_FDCWD, "to", RENAME_EXCHANGE | RENAME_WHITEOUT));
    SHOW(link("from", "same"));
    SHOW(rename("from", "same")); /* two names of one file: nothing happens */
    SHOW(access("from", F_OK));
    SHOW(rename("from", "from"));
    clear("from");
    clear("same");
    make("d", EMPTY);
    make("d/e", EMPTY);
    SHOW(rename("d", "d/x"));
    SHOW(rename("d", "d/e/x"));
    SHOW(rename("d/e", "d"));
    SHOW(renameat2(AT_FDCWD, "d", AT_FDCWD, "d/e", RENAME_EXCHANGE));
    SHOW(renameat2(AT_FDCWD, "d/e", AT_FDCWD, "d", RENAME_EXCHANGE));
    int e = open("d/e", O_RDONLY | O_DIRECTORY);
    SHOW(rename("d/e", "moved"));
    SHOW(mkdirat(e, "inside", 0755)); /* the open directory moved with it */
    SHOW(access("moved/inside", F_OK));
    SHOW(rmdir("d"));
    SHOW(unlinkat(e, "inside", AT_REMOVEDIR));
    SHOW(rmdir("moved"));
    SHOW(mkdirat(e, "inside", 0755));
    close(e);
    return 0;
}
