/* Takes as much of one thing as the system gives, and says why there was no more. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/timerfd.h>
#include <unistd.h>

static void *wait_for_ever(void *unused)
{
    (void)unused;
    for (;;)
        pause();
}

static int take_memory(void)
{
    for (;;) {
        char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            return errno;
        *page = 1;
    }
}

/* The kernel touches it first. */
static int take_memory_for_reading(void)
{
    enum { SIZE = 24 << 20 };
    int zeros = open("/dev/zero", O_RDONLY);
    for (;;) {
        char *room = mmap(0, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (room == MAP_FAILED || read(zeros, room, SIZE) != SIZE)
            return errno;
    }
}

static int take_mappings(void)
{
    for (int count = 0;; count++) {
        int access = count % 2 ? PROT_READ : PROT_READ | PROT_WRITE;
        if (mmap(0, 4096, access, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return errno;
    }
}

static int take_threads(void)
{
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, 32768);
    for (;;) {
        pthread_t thread;
        int error = pthread_create(&thread, &small, wait_for_ever, 0);
        if (error)
            return error;
    }
}

static int take_pipes(void)
{
    char bytes[4096] = "";
    for (;;) {
        int ends[2];
        if (pipe2(ends, O_NONBLOCK))
            return errno;
        while (write(ends[1], bytes, sizeof bytes) > 0)
            ;
    }
}

/* They are free again when the process ends. */
static int take_file_pages(void)
{
    static char bytes[65536];
    int file = open("/large", O_CREAT | O_WRONLY, 0600);
    unlink("/large");
    while (write(file, bytes, sizeof bytes) > 0)
        ;
    return errno;
}

enum { PAIRS = 20000, PAIR = 8192 };

static char *many_mappings(void)
{
    char *room = mmap(0, PAIRS * PAIR, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; i < PAIRS; i++)
        mprotect(room + i * PAIR, PAIR / 2, PROT_READ);
    return room;
}

/* Of many mappings, when nothing is left; giving them back needs nothing. */
static int take_copies_of_mappings(void)
{
    char *room = many_mappings();
    take_file_pages();
    pid_t child = fork();
    int error = errno;
    if (child == 0)
        _exit(0);
    return munmap(room, PAIRS * PAIR) ? errno : child < 0 ? error : 0;
}

/* Emptying many mappings needs nothing, nor does cutting a file that they show. */
static int take_emptied_mappings(void)
{
    char *room = many_mappings();
    int file = memfd_create("shown", 0);
    ftruncate(file, PAIR);
    for (size_t i = 0; i < PAIRS; i++)
        mmap(room + i * PAIR, PAIR / 2, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0);
    take_file_pages();
    if (madvise(room, PAIRS * PAIR, MADV_DONTNEED) || ftruncate(file, 0))
        return errno;
    return madvise(room, PAIRS * PAIR, MADV_REMOVE) ? errno : 0;
}

static int take_polled_files(void)
{
    enum { COUNT = 20000 };
    static struct pollfd polled[COUNT];
    struct rlimit limit = {COUNT + 10, COUNT + 10};
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < COUNT; i++)
        polled[i] = (struct pollfd){.fd = eventfd(0, 0), .events = POLLIN};
    take_file_pages();
    return poll(polled, COUNT, 1000) < 0 ? errno : 0;
}

static int take_deep_directories(void)
{
    enum { DEPTH = 20000 };
    static char name[251], path[1 << 23];
    memset(name, 'd', sizeof name - 1);
    int depth = 0;
    while (depth < DEPTH && mkdir(name, 0700) == 0 && chdir(name) == 0)
        depth++;
    int error = syscall(SYS_getcwd, path, sizeof path) < 0 ? errno : 0;
    for (; depth > 0 && chdir("..") == 0; depth--)
        rmdir(name);
    return error;
}

static int take_long_arguments(void)
{
    enum { COUNT = 15, SIZE = 128 << 10 };
    static char text[SIZE - 1], *arguments[COUNT + 1];
    memset(text, 'a', sizeof text - 1);
    for (int i = 0; i < COUNT; i++)
        arguments[i] = text;
    take_file_pages();
    execv("/exhaust", arguments);
    return errno;
}

static int take_interests(void)
{
    struct rlimit limit = {1 << 20, 1 << 20};
    struct epoll_event event = {.events = EPOLLIN};
    int instance = epoll_create1(0), ends[2];
    setrlimit(RLIMIT_NOFILE, &limit);
    pipe(ends);
    while (epoll_ctl(instance, EPOLL_CTL_ADD, dup(ends[0]), &event) == 0)
        ;
    return errno;
}

static int take_shared_memory(void)
{
    for (;;) {
        char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (page == MAP_FAILED)
            return errno;
        *page = 1;
    }
}

/* Marked for destruction at once: they go with the process. */
static int take_segments(void)
{
    enum { SIZE = 1 << 20 };
    for (;;) {
        int id = shmget(IPC_PRIVATE, SIZE, 0600);
        if (id < 0)
            return errno;
        char *segment = shmat(id, 0, 0);
        shmctl(id, IPC_RMID, 0);
        memset(segment, 1, SIZE);
    }
}

enum { MOST = 32000 };
static int taken[MOST], count;

static int take_messages(void)
{
    static struct { long type; char text[8192]; } message = {.type = 1};
    while (count < MOST) {
        taken[count] = msgget(IPC_PRIVATE, 0600);
        if (taken[count] < 0)
            break;
        count++;
        while (msgsnd(taken[count - 1], &message, sizeof message.text, IPC_NOWAIT) == 0)
            ;
        if (errno != EAGAIN)
            break;
    }
    int error = errno;
    while (count > 0)
        msgctl(taken[--count], IPC_RMID, 0);
    return error;
}

static int take_semaphores(void)
{
    while (count < MOST && (taken[count] = semget(IPC_PRIVATE, 32000, 0600)) >= 0)
        count++;
    int error = errno;
    while (count > 0)
        semctl(taken[--count], 0, IPC_RMID);
    return error;
}

/* What is left is single pages, once messages of many pages have taken the longer stretches. */
static void leave_single_pages(void)
{
    enum { LEFT = 3 << 20, ROOM = 24 << 20, PAGE = 4096, MESSAGE = 65000 };
    static char message[MESSAGE];
    struct sysinfo memory;
    char *room = mmap(0, ROOM, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    size_t used = 0;
    for (; used < ROOM && sysinfo(&memory) == 0 && memory.freeram > LEFT; used += PAGE)
        room[used] = 1;
    for (size_t at = 0; at < used; at += 2 * PAGE)
        madvise(room + at, PAGE, MADV_DONTNEED);
    do {
        int ends[2];
        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends))
            return;
        while (send(ends[0], message, MESSAGE, 0) > 0)
            ;
    } while (errno == EAGAIN);
}

static int take_mappings_of_single_pages(void)
{
    leave_single_pages();
    return take_mappings();
}

static int take_values_of_semaphores(void)
{
    static unsigned short values[32000];
    int id = semget(IPC_PRIVATE, 32000, 0600);
    leave_single_pages();
    int error = semctl(id, 0, GETALL, values) ? errno : 0;
    semctl(id, 0, IPC_RMID);
    return error;
}

static int take_groups(void)
{
    static unsigned groups[65536];
    leave_single_pages();
    return syscall(SYS_setgroups, 65536, groups) ? errno : 0;
}

static int take_texts_of_groups(void)
{
    static unsigned groups[65536];
    static char text[1 << 20];
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++)
        groups[i] = 0xfffffffe;
    if (syscall(SYS_setgroups, 65536, groups))
        return errno;
    leave_single_pages();
    int status = open("/proc/self/status", O_RDONLY);
    return status < 0 || read(status, text, sizeof text) < 0 ? errno : 0;
}

static int take_signals(void)
{
    struct rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_BLOCK, &all, NULL);
    setrlimit(RLIMIT_SIGPENDING, &limit);
    while (sigqueue(getpid(), SIGRTMIN, (union sigval){0}) == 0)
        ;
    return errno;
}

/* What the kernel keeps of armed timers lies in one stretch. */
static int take_timers(void)
{
    enum { COUNT = 8000 };
    static int timers[COUNT];
    struct rlimit limit = {COUNT + 1000, COUNT + 1000};
    struct itimerspec later = {.it_value = {1000, 0}};
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < COUNT; i++)
        timers[i] = timerfd_create(CLOCK_MONOTONIC, 0);
    leave_single_pages();
    for (int i = 0; i < COUNT; i++)
        if (timerfd_settime(timers[i], 0, &later, 0))
            return errno;
    return 0;
}

/* A program with as many headers as there can be: the kernel wants one stretch of memory for them. */
static int take_long_headers(void)
{
    enum { COUNT = 65536 / sizeof(Elf64_Phdr) };
    Elf64_Ehdr header = {
        .e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
        .e_type = ET_EXEC, .e_machine = EM_X86_64, .e_version = EV_CURRENT,
        .e_phoff = sizeof header, .e_ehsize = sizeof header,
        .e_phentsize = sizeof(Elf64_Phdr), .e_phnum = COUNT,
    };
    char *const arguments[] = {"headers", 0};
    int file = open("/headers", O_CREAT | O_WRONLY, 0700);
    write(file, &header, sizeof header);
    ftruncate(file, sizeof header + COUNT * sizeof(Elf64_Phdr));
    close(file);
    leave_single_pages();
    execv("/headers", arguments);
    int error = errno;
    unlink("/headers");
    return error;
}

int main(int argc, char **argv)
{
    static const struct {
        const char *name;
        int (*take)(void);
    } kinds[] = {
        {"memory", take_memory}, {"mappings", take_mappings},     {"threads", take_threads},
        {"pipes", take_pipes},   {"file pages", take_file_pages},
        {"memory that is read into", take_memory_for_reading},
        {"shared memory", take_shared_memory}, {"segments", take_segments},
        {"messages", take_messages}, {"semaphores", take_semaphores},
        {"long headers", take_long_headers}, {"copies of mappings", take_copies_of_mappings},
        {"long arguments", take_long_arguments}, {"interests", take_interests},
        {"emptied mappings", take_emptied_mappings}, {"polled files", take_polled_files},
        {"deep directories", take_deep_directories},
        {"mappings of single pages", take_mappings_of_single_pages},
        {"values of semaphores", take_values_of_semaphores}, {"groups", take_groups},
        {"timers", take_timers}, {"texts of groups", take_texts_of_groups},
        {"signals", take_signals},
    };
    for (size_t i = 0; argc > 1 && i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(argv[1], kinds[i].name) == 0)
            printf("no more: %s\n", strerrorname_np(kinds[i].take()));
    return 0;
}
