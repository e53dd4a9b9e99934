/* What the programs about processes share: how a child ended, gates to order parent and child, and
 * the program's own path for execve(2). Lines are written whole, so that no child writes its
 * parent's once more. Facts may not depend on process ids, on times or on who runs first. */
#ifndef PROCESS_H
#define PROCESS_H

#include "check.h"
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

__attribute__((constructor)) static void write_whole_lines(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
}

static inline void show_status(const char *who, int status)
{
    if (WIFEXITED(status))
        printf("%s: exited %d\n", who, WEXITSTATUS(status));
    else if (WIFSIGNALED(status))
        printf("%s: killed by %s\n", who, sigabbrev_np(WTERMSIG(status)));
    else if (WIFSTOPPED(status))
        printf("%s: stopped by %s\n", who, sigabbrev_np(WSTOPSIG(status)));
    else
        printf("%s: %s\n", who, WIFCONTINUED(status) ? "continued" : "?");
}

/* Waits for a child's end and says what it was. */
static inline void reap(const char *who, pid_t pid)
{
    int status = 0;
    pid_t got = waitpid(pid, &status, 0);
    if (got == pid)
        show_status(who, status);
    else
        printf("%s: not waited for: %s\n", who, got < 0 ? strerrorname_np(errno) : "another");
}

/* A child that runs `body` and exits with what it returns. */
static inline pid_t child(int (*body)(void))
{
    pid_t pid = fork();
    MUST(pid);
    if (pid == 0)
        _exit(body());
    return pid;
}

/* For a child that is there to be signalled. */
static inline int waits_for_ever(void)
{
    while (pause() == -1)
        ;
    return 0;
}

static inline void run(const char *who, int (*body)(void))
{
    reap(who, child(body));
}

/* A gate is passed once for each time that it is opened, by whichever process. */
struct gate {
    int fds[2];
};

static inline struct gate new_gate(void)
{
    struct gate gate;
    MUST(pipe(gate.fds));
    return gate;
}

static inline void open_gate(struct gate gate)
{
    MUST(write(gate.fds[1], "g", 1));
}

static inline void pass_gate(struct gate gate)
{
    char byte;
    while (read(gate.fds[0], &byte, 1) == -1 && errno == EINTR)
        ;
}

static inline void close_gate(struct gate gate)
{
    close(gate.fds[0]);
    close(gate.fds[1]);
}

/* This program's file, to execute it again. */
static inline const char *own_path(void)
{
    static char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    MUST(length);
    path[length] = 0;
    return path;
}

/* Executes this program again with one argument more; returns only when that fails. */
static inline void become(const char *argument)
{
    const char *path = own_path();
    execl(path, path, argument, (char *)NULL);
}

/* The letter of a process's state, proc(5), or '-' when there is no such process. */
static inline char state_of(pid_t pid)
{
    char path[64], text[512] = {0}, *after;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    int fd = open(path, O_RDONLY);
    if (fd < 0)
        return '-';
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    after = length > 0 ? strrchr(text, ')') : NULL;
    return after ? after[2] : '-';
}

/* Waits, for two seconds at most, until a process is in a state. */
static inline int comes_to(pid_t pid, char state)
{
    for (int i = 0; i < 400 && state_of(pid) != state; i++)
        sleep_ms(5);
    return state_of(pid) == state;
}

#endif
