/* openat2(2): RESOLVE_*, flags and sizes; open(2) O_TMPFILE with linkat(2); renameat2(2)
 * RENAME_WHITEOUT; statx(2) STATX_BTIME. */
#include "check.h"
#include <linux/openat2.h>
#include <sys/sysmacros.h>

static int directory;

static int opens(const char *path, uint64_t flags, uint64_t resolve)
{
    struct open_how how = {.flags = flags, .resolve = resolve};
    int fd = syscall(SYS_openat2, directory, path, &how, sizeof how);
    if (fd >= 0)
        close(fd);
    return fd < 0 ? -1 : 0;
}

static int with_how(uint64_t flags, uint64_t mode, uint64_t resolve, size_t size, int extra)
{
    struct { struct open_how how; char more[8]; } how = {{flags, mode, resolve}, {0}};
    how.more[3] = extra;
    int fd = syscall(SYS_openat2, directory, "made", &how, size), error = errno;
    if (fd >= 0)
        close(fd);
    unlinkat(directory, "made", 0);
    errno = error;
    return fd < 0 ? -1 : 0;
}

static void of_resolving(void)
{
    const char *paths[] = {"f", "sub/f", "../top/f", "..", ".", "sub/..", "sub/../..", "/",
                           "/f", "up", "absolute", "inside", "sub/back", "loop", "magic/cwd",
                           "/proc/self/status", "sub/../f", "./inside/f", "inside/../../top/f"};
    static const uint64_t resolves[] = {0, RESOLVE_NO_XDEV, RESOLVE_NO_MAGICLINKS,
                                        RESOLVE_NO_SYMLINKS, RESOLVE_BENEATH, RESOLVE_IN_ROOT};
    MUST(symlinkat("../top/f", directory, "up"));
    MUST(symlinkat("/proc/version", directory, "absolute"));
    MUST(symlinkat("sub", directory, "inside"));
    MUST(symlinkat("../f", directory, "sub/back"));
    MUST(symlinkat("loop", directory, "loop"));
    MUST(symlinkat("/proc/self", directory, "magic"));
    for (unsigned r = 0; r < sizeof resolves / sizeof *resolves; r++)
        for (unsigned i = 0; i < sizeof paths / sizeof *paths; i++) {
            int result = opens(paths[i], O_RDONLY, resolves[r]);
            printf("%#lx %s: %s\n", (long)resolves[r], paths[i],
                   result < 0 ? strerrorname_np(errno) : "opened");
        }
    SHOW(opens("inside", O_PATH | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
    SHOW(opens("inside", O_RDONLY | O_NOFOLLOW, RESOLVE_NO_SYMLINKS));
    SHOW(opens("magic/root", O_RDONLY, RESOLVE_NO_MAGICLINKS));
    SHOW(opens("f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV));
    SHOW(opens("f", O_RDONLY, RESOLVE_BENEATH | RESOLVE_IN_ROOT));
    SHOW(opens("f", O_RDONLY, 0x40));
    SHOW(opens("new", O_RDWR | O_CREAT, RESOLVE_CACHED));
    SHOW(opens("f", O_RDWR | O_TRUNC, RESOLVE_CACHED));
    const char *links[] = {"up", "absolute", "inside", "sub/back", "loop", "magic"};
    for (int i = 0; i < 6; i++)
        MUST(unlinkat(directory, links[i], 0));
}

static void of_arguments(void)
{
    SHOW(with_how(O_RDWR | O_CREAT, 0600, 0, sizeof(struct open_how), 0));
    SHOW(with_how(O_RDWR | O_CREAT, 0600, 0, 32, 0));
    SHOW(with_how(O_RDWR | O_CREAT, 0600, 0, 32, 1));
    SHOW(with_how(O_RDWR | O_CREAT, 0600, 0, 16, 0));
    SHOW(with_how(O_RDWR | O_CREAT, 0600, 0, 5000, 0));
    SHOW(with_how(O_RDWR | O_CREAT, 010000, 0, 24, 0));
    SHOW(with_how(O_RDWR, 0600, 0, 24, 0));
    SHOW(with_how(O_RDWR | O_CREAT | 0x40000000, 0600, 0, 24, 0));
    SHOW(with_how(O_RDWR | O_CREAT | 1ull << 40, 0600, 0, 24, 0));
    SHOW(with_how(O_PATH | O_RDWR, 0, 0, 24, 0));
    SHOW(with_how(O_PATH | O_CLOEXEC, 0, 0, 24, 0));
    SHOW(syscall(SYS_openat2, directory, "f", (void *)8, 24L));
    SHOW(syscall(SYS_openat2, 99, "f", &(struct open_how){0}, 24L));
}

static void of_nameless_files(void)
{
    struct stat s;
    char path[64], text[8] = {0};
    int fd = openat(directory, ".", O_TMPFILE | O_RDWR, 0640);
    MUST(fd);
    MUST(write(fd, "text", 4));
    MUST(fstat(fd, &s));
    SHOW(s.st_nlink);
    SHOW(linkat(fd, "", directory, "named", AT_EMPTY_PATH));
    MUST(fstat(fd, &s));
    SHOW(s.st_nlink);
    SHOW(linkat(fd, "", directory, "named", AT_EMPTY_PATH));
    SHOW(linkat(fd, "", directory, "again", AT_EMPTY_PATH));
    close(fd);
    fd = openat(directory, "named", O_RDONLY);
    SHOW(read(fd, text, 8));
    puts(text);
    close(fd);
    fd = openat(directory, ".", O_TMPFILE | O_WRONLY, 0600);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    SHOW(linkat(AT_FDCWD, path, directory, "byproc", AT_SYMLINK_FOLLOW));
    SHOW(linkat(AT_FDCWD, path, directory, "other", 0));
    close(fd);
    fd = openat(directory, ".", O_TMPFILE | O_EXCL | O_RDWR, 0600);
    SHOW(linkat(fd, "", directory, "never", AT_EMPTY_PATH));
    close(fd);
    SHOW(openat(directory, ".", O_TMPFILE | O_RDONLY, 0600));
    SHOW(openat(directory, "f", O_TMPFILE | O_RDWR, 0600));
    SHOW(openat(directory, "absent", O_TMPFILE | O_RDWR, 0600));
    SHOW(unlinkat(directory, "named", 0));
    SHOW(unlinkat(directory, "again", 0));
    SHOW(unlinkat(directory, "byproc", 0));
}

static void of_whiteouts(void)
{
    struct stat s;
    SHOW(renameat2(directory, "f", directory, "g", RENAME_WHITEOUT));
    MUST(fstatat(directory, "f", &s, 0));
    printf("%o %u %u\n", s.st_mode, major(s.st_rdev), minor(s.st_rdev));
    SHOW(renameat2(directory, "g", directory, "f", RENAME_WHITEOUT | RENAME_NOREPLACE));
    SHOW(renameat2(directory, "g", directory, "f", RENAME_WHITEOUT | RENAME_EXCHANGE));
    SHOW(renameat2(directory, "g", directory, "f", RENAME_EXCHANGE));
    SHOW(renameat2(directory, "f", directory, "g", 8));
    SHOW(unlinkat(directory, "g", 0));
}

static void of_birth(void)
{
    struct statx before, after;
    MUST(statx(directory, "f", 0, STATX_BTIME, &before));
    CHECK(before.stx_mask & STATX_BTIME);
    struct timespec times[2] = {{5, 0}, {5, 0}};
    MUST(utimensat(directory, "f", times, 0));
    MUST(statx(directory, "f", 0, STATX_ALL, &after));
    CHECK(after.stx_mask & STATX_BTIME);
    CHECK(after.stx_btime.tv_sec == before.stx_btime.tv_sec);
    CHECK(after.stx_mtime.tv_sec == 5);
    CHECK(after.stx_btime.tv_sec > 1000);
}

int main(void)
{
    MUST(mkdir("top", 0755));
    MUST(directory = open("top", O_RDONLY | O_DIRECTORY));
    MUST(mkdirat(directory, "sub", 0755));
    close(openat(directory, "f", O_RDWR | O_CREAT, 0600));
    close(openat(directory, "sub/f", O_RDWR | O_CREAT, 0600));
    of_resolving();
    of_arguments();
    of_nameless_files();
    of_birth();
    of_whiteouts();
    unlinkat(directory, "f", 0);
    unlinkat(directory, "sub/f", 0);
    unlinkat(directory, "sub", AT_REMOVEDIR);
    close(directory);
    SHOW(rmdir("top"));
    return 0;
}
