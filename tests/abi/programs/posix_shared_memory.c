/* shm_open(3), shm_unlink(3), sem_open(3), sem_timedwait(3), sem_unlink(3): files of /dev/shm whose
 * mappings, reads and writes agree. libraries: -lrt */
#include "check.h"
#include <dirent.h>
#include <semaphore.h>
#include <sys/mman.h>

#define PAGE 4096
#define NAME "/husk-shared"

static void memory(void)
{
    shm_unlink(NAME);
    SHOW(shm_open(NAME, O_RDWR, 0));
    SHOW(shm_open("/a/b", O_RDWR | O_CREAT, 0600));
    int fd = shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0640);
    CHECK(fd >= 0);
    CHECK(fcntl(fd, F_GETFD) == FD_CLOEXEC);
    SHOW(shm_open(NAME, O_RDWR | O_CREAT | O_EXCL, 0600));
    struct stat status;
    fstat(fd, &status);
    printf("mode %o size %ld\n", status.st_mode, (long)status.st_size);
    SHOW(ftruncate(fd, 2 * PAGE));
    int reader = shm_open(NAME, O_RDONLY, 0);
    volatile char *p = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    volatile char *q = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, reader, PAGE);
    CHECK(mmap(NULL, PAGE, PROT_WRITE, MAP_SHARED, reader, 0) == MAP_FAILED && errno == EACCES);
    char byte = 0;
    SHOW(pwrite(fd, "hello", 5, PAGE + 3));
    printf("%.5s %.5s\n", (char *)p + PAGE + 3, (char *)q + 3);
    p[PAGE + 3] = 'j';
    SHOW(pread(reader, &byte, 1, PAGE + 3));
    printf("%c %c\n", byte, q[3]);
    SHOW(write(reader, "x", 1));
    SHOW(mprotect((void *)q, PAGE, PROT_READ | PROT_WRITE));
    SHOW(access("/dev/shm" NAME, F_OK));
    SHOW(shm_unlink(NAME));
    SHOW(shm_unlink(NAME));
    SHOW(access("/dev/shm" NAME, F_OK));
    p[0] = 'l';
    SHOW(pread(fd, &byte, 1, 0));
    munmap((void *)p, 2 * PAGE);
    munmap((void *)q, PAGE);
    close(fd);
    close(reader);
    stat("/dev/shm", &status);
    printf("mode %o\n", status.st_mode);
}

static void semaphores(void)
{
    sem_unlink(NAME);
    CHECK(sem_open(NAME, 0) == SEM_FAILED && errno == ENOENT);
    sem_t *one = sem_open(NAME, O_CREAT | O_EXCL, 0600, 2);
    CHECK(one != SEM_FAILED);
    CHECK(sem_open(NAME, O_CREAT | O_EXCL, 0600, 2) == SEM_FAILED && errno == EEXIST);
    sem_t *same = sem_open(NAME, 0);
    CHECK(same == one);
    int value;
    SHOW(sem_getvalue(one, &value));
    printf("%d\n", value);
    SHOW(sem_wait(one));
    SHOW(sem_trywait(same));
    SHOW(sem_trywait(same));
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += 20000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    SHOW(sem_timedwait(one, &until));
    SHOW(sem_post(one));
    SHOW(sem_timedwait(same, &until));
    sem_close(same);
    sem_close(one);
    SHOW(sem_unlink(NAME));
    SHOW(sem_unlink(NAME));
}

int main(void)
{
    memory();
    semaphores();
    return 0;
}
