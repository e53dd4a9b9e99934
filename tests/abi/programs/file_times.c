/* utimensat(2), futimens(3), utime(2), stat(2): setting times, and which calls change which. */
#include "check.h"
#include <sys/time.h>
#include <utime.h>

static struct stat last;

/* Which of the file's times have changed since the last look, which sets them long ago. */
static void changed(const char *what, const char *path)
{
    struct timespec past[2] = {{1000, 1}, {2000, 2}};
    struct stat now;
    stat(path, &now);
    printf("%s:%s%s%s\n", what, now.st_atim.tv_sec != 1000 ? " accessed" : "",
           now.st_mtim.tv_sec != 2000 ? " modified" : "",
           now.st_ctim.tv_sec != last.st_ctim.tv_sec || now.st_ctim.tv_nsec != last.st_ctim.tv_nsec
               ? " changed"
               : "");
    utimensat(AT_FDCWD, path, past, 0);
    stat(path, &last);
    sleep_ms(11); /* times are as fine as the kernel's tick */
}

static void show_times(const char *what)
{
    struct stat st;
    stat("f", &st);
    printf("%s: %ld.%ld %ld.%ld\n", what, (long)st.st_atim.tv_sec, st.st_atim.tv_nsec,
           (long)st.st_mtim.tv_sec, st.st_mtim.tv_nsec);
}

int main(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0644);
    struct timespec times[2] = {{5, 6}, {7, 8}};
    SHOW(futimens(fd, times));
    show_times("futimens");
    times[0].tv_nsec = UTIME_OMIT;
    times[1] = (struct timespec){9, 10};
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    show_times("one omitted");
    times[1].tv_nsec = UTIME_OMIT;
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    show_times("both omitted");
    times[0] = (struct timespec){-5, 0};
    times[1] = (struct timespec){0, 999999999};
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    show_times("before the epoch");
    times[0].tv_nsec = 1000000000;
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    times[0].tv_nsec = -1;
    SHOW(utimensat(AT_FDCWD, "f", times, 0));
    SHOW(utimensat(AT_FDCWD, "absent", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "f", NULL, 0x4000));
    SHOW(utimensat(99, "f", NULL, 0));
    SHOW(utimensat(AT_FDCWD, "f", (void *)1, 0));
    SHOW(futimens(99, NULL));
    SHOW(syscall(SYS_utimensat, fd, NULL, NULL, 0));
    SHOW(syscall(SYS_utimensat, AT_FDCWD, NULL, NULL, 0));
    SHOW(utime("f", &(struct utimbuf){11, 12}));
    show_times("utime");
    struct timeval values[2] = {{13, 14}, {15, 16}};
    SHOW(utimes("f", values));
    show_times("utimes");
    values[0].tv_usec = 1000000;
    SHOW(utimes("f", values));
    struct timeval before[2] = {{-10, 500000}, {-1000000, 0}};
    SHOW(utimes("f", before));
    show_times("utimes before the epoch");
    SHOW(utime("f", &(struct utimbuf){-5, -7}));
    show_times("utime before the epoch");
    SHOW(futimesat(AT_FDCWD, "f", before));
    show_times("futimesat before the epoch");
    SHOW(futimesat(AT_FDCWD, "f", NULL));
    struct stat st;
    stat("f", &st);
    CHECK(labs(st.st_mtime - time(NULL)) <= 1 && st.st_atime == st.st_mtime);

    mkdir("d", 0755);
    sleep_ms(11); /* d is not of the same tick as what `changed` does to f */
    changed("begin", "f");
    changed("begin", "d");
    MUST(write(fd, "x", 1));
    changed("write", "f");
    MUST(ftruncate(fd, 1));
    changed("ftruncate to the same size", "f");
    MUST(chmod("f", 0600));
    changed("chmod", "f");
    MUST(chown("f", 0, 0));
    changed("chown", "f");
    MUST(link("f", "g"));
    changed("link", "f");
    MUST(unlink("g"));
    changed("unlink", "f");
    MUST(rename("f", "d/f"));
    changed("rename into", "d");
    MUST(rename("d/f", "f"));
    changed("rename out of", "d");
    close(open("d/n", O_WRONLY | O_CREAT, 0644));
    changed("creat in", "d");
    MUST(chmod("d/n", 0600));
    changed("chmod in", "d");
    MUST(unlink("d/n"));
    changed("unlink in", "d");
    MUST(mkdir("d/e", 0755));
    changed("mkdir in", "d");
    MUST(rmdir("d/e"));
    changed("rmdir in", "d");
    close(open("f", O_RDWR | O_TRUNC));
    changed("O_TRUNC", "f");
    close(open("f", O_RDWR | O_CREAT, 0644));
    changed("open", "f");
    MUST(write(fd, "", 0));
    changed("write of nothing", "f");
    close(fd);
    unlink("f");
    rmdir("d");
    return 0;
}
