/* pidfd_getfd(2): a descriptor of another process. */
#include "process.h"

static struct gate up, go;

static int holds(void)
{
    int fd = open("f", O_RDWR | O_CREAT, 0600);
    MUST(write(fd, "held", 4));
    MUST(dup2(fd, 70));
    open_gate(up);
    pass_gate(go);
    return (int)lseek(70, 0, SEEK_CUR);
}

int main(void)
{
    char text[8] = {0};
    up = new_gate();
    go = new_gate();
    pid_t pid = child(holds);
    pass_gate(up);
    int pidfd = syscall(SYS_pidfd_open, pid, 0);
    int fd = syscall(SYS_pidfd_getfd, pidfd, 70, 0);
    CHECK(fd >= 0 && fcntl(fd, F_GETFD) == FD_CLOEXEC);
    SHOW(pread(fd, text, 4, 0));
    printf("%s\n", text);
    SHOW(lseek(fd, 2, SEEK_SET)); /* the description is shared */
    SHOW(syscall(SYS_pidfd_getfd, pidfd, 71, 0));
    SHOW(syscall(SYS_pidfd_getfd, pidfd, 70, 1));
    SHOW(syscall(SYS_pidfd_getfd, 1, 70, 0));
    SHOW(syscall(SYS_pidfd_getfd, 99, 70, 0));
    open_gate(go);
    reap("holds", pid);
    SHOW(syscall(SYS_pidfd_getfd, pidfd, 70, 0));
    close(fd);
    close(pidfd);
    unlink("f");
    close_gate(up);
    close_gate(go);
    return 0;
}
