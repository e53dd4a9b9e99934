/* fork(2), wait(2): many processes after each other and at once, all of them waited for. */
#include "process.h"

int main(void)
{
    int status, sum = 0, ended = 0;
    for (int i = 0; i < 60; i++) {
        pid_t pid = fork();
        MUST(pid);
        if (pid == 0)
            _exit(i);
        MUST(waitpid(pid, &status, 0));
        sum += WEXITSTATUS(status);
    }
    SHOW(sum);
    struct gate go = new_gate();
    sum = 0;
    for (int i = 0; i < 40; i++) {
        pid_t pid = fork();
        MUST(pid);
        if (pid == 0) {
            pass_gate(go);
            _exit(i);
        }
    }
    for (int i = 0; i < 40; i++)
        open_gate(go);
    while (wait(&status) > 0) {
        ended++;
        sum += WEXITSTATUS(status);
    }
    CHECK(errno == ECHILD);
    SHOW(ended);
    SHOW(sum);
    close_gate(go);
    return 0;
}
