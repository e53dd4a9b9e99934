/* mmap(2) of files that are cut, ftruncate(2): what is past the end is SIGBUS, also where it was
 * touched before, and zeros when the file grows again; in every process. */
#include "check.h"
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#define PAGE 4096

static sigjmp_buf back;
static void handler(int signal) { siglongjmp(back, signal); }

static const char *touch(volatile char *address)
{
    int got = sigsetjmp(back, 1);
    if (got == 0)
        *address += 1;
    return got ? strsignal(got) : "fine";
}

static void cut(int fd)
{
    MUST(ftruncate(fd, 4 * PAGE));
    char *shared = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    char *own = mmap(NULL, 4 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
    char *late = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
    memset(shared, 's', 4 * PAGE);
    late[5] = 'l';
    own[2 * PAGE] = 'o';
    CHECK(own[3 * PAGE] == 's' && own[0] == 's');
    SHOW(ftruncate(fd, PAGE + 100));
    printf("%s %s %s\n", touch(shared + PAGE + 99), touch(shared + PAGE + 100), touch(shared + 2 * PAGE - 1));
    printf("%s %s\n", touch(shared + 2 * PAGE), touch(shared + 3 * PAGE));
    printf("%s %s %s\n", touch(own + PAGE), touch(own + 2 * PAGE), touch(own + 3 * PAGE));
    printf("%s\n", touch(late + 5));
    SHOW(ftruncate(fd, 4 * PAGE));
    printf("%s %d %s %d\n", touch(shared + 2 * PAGE), shared[2 * PAGE], touch(late + 5), late[5]);
    char byte = 9;
    SHOW(pread(fd, &byte, 1, 2 * PAGE));
    printf("%d\n", byte);
    byte = 'w';
    SHOW(pwrite(fd, &byte, 1, 3 * PAGE));
    printf("%c %c\n", shared[3 * PAGE], own[3 * PAGE]);
    munmap(shared, 4 * PAGE);
    munmap(own, 4 * PAGE);
    munmap(late, PAGE);
}

static void cut_by_another(int fd)
{
    MUST(ftruncate(fd, 2 * PAGE));
    char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    memset(p, 'p', 2 * PAGE);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        MUST(ftruncate(fd, PAGE));
        _exit(0);
    }
    int status;
    MUST(waitpid(child, &status, 0));
    printf("%s %s\n", touch(p), touch(p + PAGE));
    munmap(p, 2 * PAGE);
}

int main(void)
{
    signal(SIGBUS, handler);
    signal(SIGSEGV, handler);
    int fd = memfd_create("cut", 0);
    cut(fd);
    cut_by_another(fd);
    close(fd);
    fd = open("cut", O_RDWR | O_CREAT | O_TRUNC, 0600);
    MUST(write(fd, "text", 4));
    char *p = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
    CHECK(p[0] == 't');
    close(open("cut", O_WRONLY | O_TRUNC));
    printf("%s\n", touch(p));
    munmap(p, PAGE);
    close(fd);
    unlink("cut");
    return 0;
}
