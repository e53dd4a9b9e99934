/* fork(2), chdir(2), umask(2): working directory, umask and priority are each process's own. */
#include "process.h"
#include <sys/resource.h>

static struct gate up, go;

static int moves(void)
{
    MUST(mkdir("d", 0777));
    MUST(chdir("d"));
    umask(077);
    close(open("file", O_WRONLY | O_CREAT, 0666));
    open_gate(up);
    pass_gate(go);
    SHOW(syscall(SYS_getcwd, (char[300]){0}, 300)); /* removed by the parent */
    SHOW(open("other", O_WRONLY | O_CREAT, 0666));
    MUST(chdir(".."));
    SHOW(access("here", F_OK));
    return 0;
}

int main(void)
{
    struct stat st;
    up = new_gate();
    go = new_gate();
    umask(022);
    close(open("here", O_WRONLY | O_CREAT, 0666));
    pid_t pid = child(moves);
    pass_gate(up);
    MUST(stat("d/file", &st));
    printf("mode %o\n", st.st_mode & 0777);
    SHOW(access("file", F_OK));
    CHECK(umask(022) == 022);
    SHOW(unlink("d/file"));
    SHOW(rmdir("d"));
    open_gate(go);
    reap("moves", pid);
    unlink("here");
    close_gate(up);
    close_gate(go);
    return 0;
}
