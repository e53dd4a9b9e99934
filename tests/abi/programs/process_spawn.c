/* posix_spawn(3): file actions, attributes, and what it says when the program is not there. */
#include "process.h"
#include <spawn.h>

extern char **environ;

static int executed(char **argv)
{
    struct sigaction action;
    sigset_t mask;
    char cwd[300];
    if (!strcmp(argv[1], "plain"))
        return 3;
    sigaction(SIGUSR1, NULL, &action);
    sigprocmask(SIG_BLOCK, NULL, &mask);
    printf("group %d, USR1 ignored %d, USR2 blocked %d, HUP blocked %d\n", getpgrp() == getpid(),
           action.sa_handler == SIG_IGN, sigismember(&mask, SIGUSR2), sigismember(&mask, SIGHUP));
    printf("50 %d, 51 %d, 52 %d, session %d, cwd %d\n", fcntl(50, F_GETFD), fcntl(51, F_GETFD),
           fcntl(52, F_GETFD), getsid(0) == getpid(),
           getcwd(cwd, sizeof cwd) && !strcmp(strrchr(cwd, '/'), "/inside"));
    return 4;
}

static void spawn(const char *what, posix_spawn_file_actions_t *actions, posix_spawnattr_t *attributes)
{
    char *argv[] = {(char *)own_path(), (char *)"look", NULL};
    pid_t pid;
    int error = posix_spawn(&pid, argv[0], actions, attributes, argv, environ);
    if (error)
        printf("%s: %s\n", what, strerrorname_np(error));
    else
        reap(what, pid);
}

int main(int argc, char **argv)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t set;
    pid_t pid;
    if (argc > 1)
        return executed(argv);
    char *plain[] = {(char *)own_path(), (char *)"plain", NULL}, *none[] = {NULL};
    SHOW(posix_spawn(&pid, plain[0], NULL, NULL, plain, none));
    reap("plain", pid);
    CHECK(posix_spawn(&pid, "absent", NULL, NULL, plain, none) == ENOENT);
    CHECK(posix_spawn(&pid, "/", NULL, NULL, plain, none) == EACCES);
    CHECK(posix_spawnp(&pid, "absent", NULL, NULL, plain, none) == ENOENT);
    CHECK(wait(NULL) == -1 && errno == ECHILD);
    spawn("no attributes", NULL, NULL);

    MUST(mkdir("inside", 0755));
    MUST(dup2(1, 51));
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, 1, 50);
    posix_spawn_file_actions_addclose(&actions, 51);
    posix_spawn_file_actions_addopen(&actions, 52, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addchdir_np(&actions, "inside");
    spawn("file actions", &actions, NULL);
    posix_spawn_file_actions_addclose(&actions, 99);
    posix_spawn_file_actions_adddup2(&actions, 99, 98);
    spawn("a bad file action", &actions, NULL);
    posix_spawn_file_actions_destroy(&actions);
    close(51);

    signal(SIGUSR1, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, NULL);
    spawn("inherited", NULL, NULL);
    posix_spawnattr_init(&attributes);
    sigaddset(&set, SIGUSR2);
    sigdelset(&set, SIGHUP);
    posix_spawnattr_setsigmask(&attributes, &set);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    posix_spawnattr_setsigdefault(&attributes, &set);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
                                              POSIX_SPAWN_SETPGROUP);
    spawn("attributes", NULL, &attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_USEVFORK);
    spawn("a session", NULL, &attributes);
    posix_spawnattr_destroy(&attributes);
    SHOW(rmdir("inside"));
    return 0;
}
