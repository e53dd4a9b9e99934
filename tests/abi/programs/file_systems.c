/* statfs(2), fstatfs(2), sync(2), syncfs(2), fsync(2), sync_file_range(2), readahead(2), posix_fadvise(2). */
#include "check.h"
#include <sys/statfs.h>
#include <sys/statvfs.h>

int main(void)
{
    struct statfs fs;
    struct statvfs vfs;
    char page[4096] = {1};
    int fd = open("f", O_RDWR | O_CREAT, 0644), only = open("f", O_RDONLY), p[2];
    MUST(pipe(p));
    SHOW(statfs(".", &fs));
    CHECK(fs.f_bsize >= 512 && fs.f_namelen == 255 && fs.f_bavail <= fs.f_bfree);
    SHOW(fstatfs(fd, &fs));
    SHOW(statfs("absent", &fs));
    SHOW(statfs("f/x", &fs));
    SHOW(statfs(".", (void *)1));
    SHOW(fstatfs(99, &fs));
    SHOW(statvfs("/", &vfs));
    CHECK(vfs.f_namemax == 255);
    SHOW(statfs("/proc", &fs));
    CHECK(fs.f_type == 0x9fa0);
    SHOW(fstatfs(p[0], &fs));
    CHECK(fs.f_type == 0x50495045);
    MUST(write(fd, page, sizeof page));
    sync();
    SHOW(fsync(fd));
    SHOW(fdatasync(fd));
    SHOW(fsync(only));
    SHOW(syncfs(fd));
    SHOW(fsync(p[0]));
    SHOW(fdatasync(p[1]));
    SHOW(fsync(99));
    SHOW(fdatasync(99));
    SHOW(syncfs(99));
    SHOW(syncfs(p[0]));
    SHOW(sync_file_range(fd, 0, 4096, SYNC_FILE_RANGE_WRITE));
    SHOW(sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WAIT_AFTER));
    SHOW(sync_file_range(fd, -1, 0, 0));
    SHOW(sync_file_range(fd, 0, -1, 0));
    SHOW(sync_file_range(fd, 0, 0, 8));
    SHOW(sync_file_range(99, 0, 0, 0));
    SHOW(sync_file_range(p[0], 0, 0, 0));
    SHOW(readahead(fd, 0, 4096));
    SHOW(readahead(99, 0, 4096));
    SHOW(readahead(p[0], 0, 4096));
    int written = open("f", O_WRONLY);
    SHOW(readahead(written, 0, 4096));
    for (int advice = 0; advice <= 6; advice++)
        SHOW(posix_fadvise(fd, 0, 4096, advice));
    SHOW(posix_fadvise(99, 0, 0, 0));
    SHOW(posix_fadvise(p[0], 0, 0, 0));
    SHOW(posix_fadvise(fd, 0, -1, 0));
    close(written);
    close(fd);
    close(only);
    close(p[0]);
    close(p[1]);
    unlink("f");
    return 0;
}
