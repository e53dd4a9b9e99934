/* memfd_create(2), execveat(2): a memory file runs while the descriptor that made it can write, but
 * not while another one can (ETXTBSY). */
#include "process.h"
#include <sys/mman.h>

static int file;

static int executes(void)
{
    char *arguments[] = {"from memory", "again", NULL};
    SHOW(syscall(SYS_execveat, file, "", arguments, environ, AT_EMPTY_PATH));
    return 1;
}

static void copy_itself(void)
{
    char buffer[65536];
    int from = open(own_path(), O_RDONLY);
    ssize_t length;
    MUST(from);
    while ((length = read(from, buffer, sizeof buffer)) > 0)
        MUST(write(file, buffer, length));
    close(from);
}

int main(int argc, char **argv)
{
    if (argc > 1) {
        printf("%s\n", argv[0]);
        return 7;
    }
    file = memfd_create("program", 0);
    copy_itself();
    run("its own descriptor", executes);
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", file);
    int other = open(path, O_RDWR);
    run("another for writing", executes);
    close(other);
    other = open(path, O_RDONLY);
    run("another for reading", executes);
    close(other);
    other = dup(file);
    run("the same again", executes);
    close(other);
    close(file);
    return 0;
}
