/* A child: made, waited for, and told of by SIGCHLD. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void handle(int signal) { (void)signal; }

int main(void) {
    struct sigaction action = {.sa_handler = handle};
    sigaction(SIGCHLD, &action, NULL);
    syscall(SYS_access, "/begin", F_OK);
    int status;
    pid_t child = fork();
    if (child == 0) {
        usleep(100000); /* until the parent waits */
        syscall(SYS_chdir, "/nowhere");
        _exit(7);
    }
    while (syscall(SYS_wait4, -1, &status, 0, NULL) < 0) {}
    child = fork();
    if (child == 0) {
        usleep(100000);
        syscall(SYS_kill, getpid(), SIGKILL);
    }
    while (syscall(SYS_wait4, child, &status, 0, NULL) < 0) {}
    syscall(SYS_wait4, -1, &status, WNOHANG, NULL);
    syscall(SYS_access, "/end", F_OK);
    return 0;
}
