/* fork(2): two processes with the same memory, then each with its own; what the child returns with. */
#include "process.h"
#include <sys/mman.h>

static int data = 1, zeroed;

static int grandchild(void)
{
    return data + 1;
}

static int nested(void)
{
    data = 30;
    run("grandchild", grandchild);
    return data;
}

int main(void)
{
    int local = 2, *heap = malloc(sizeof *heap);
    int *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int *shared = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pid_t parent = getpid();
    *heap = 3;
    *private = 4;
    *shared = 5;
    pid_t pid = fork();
    MUST(pid);
    if (pid == 0) {
        CHECK(data == 1 && zeroed == 0 && local == 2 && *heap == 3 && *private == 4 && *shared == 5);
        CHECK(getppid() == parent && getpid() != parent && gettid() == getpid());
        data = zeroed = local = *heap = *private = *shared = 77;
        private[1024] = shared[1024] = 78;
        _exit(9);
    }
    reap("child", pid);
    CHECK(data == 1 && zeroed == 0 && local == 2 && *heap == 3 && *private == 4);
    CHECK(private[1024] == 0);
    CHECK(*shared == 77 && shared[1024] == 78);
    run("child with a child", nested);
    CHECK(data == 1);
    free(heap);
    munmap(private, 8192);
    munmap(shared, 8192);
    return 0;
}
