/* Two threads whose calls interleave: one waits in read(2) until the other writes. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static int pipes[2];

static void *wait_for_it(void *argument) {
    char buffer[8];
    syscall(SYS_read, pipes[0], buffer, 8);
    return argument;
}

int main(void) {
    syscall(SYS_access, "/begin", F_OK);
    syscall(SYS_pipe2, pipes, 0);
    pthread_t thread;
    pthread_create(&thread, NULL, wait_for_it, NULL);
    struct timespec while_it_begins = {0, 100000000};
    nanosleep(&while_it_begins, NULL);
    syscall(SYS_write, pipes[1], "now", 3);
    pthread_join(thread, NULL);
    syscall(SYS_access, "/end", F_OK);
    return 0;
}
