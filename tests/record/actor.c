// What a start-up or a server does in the tests of the sandbox, by its first argument.
//
//   listen PORT…       TCP servers on 0.0.0.0, then waits
//   listen6 PORT       one on [::]
//   datagram PORT      a UDP server
//   writes PORT PATH   writes a line to a file, then listens
//   maps PATH          writes W to a file's beginning through a shared mapping, and X later
//   local PATH         a Unix stream server
//   again PORT         listens, executes itself with one more argument, and listens on
//   workers PORT       listens, and forks two that wait
//   thread PORT        a thread of it calls getpriority(2), then it listens
//   asks PORT          calls getppid(2) 1,400 times, then listens
//   briefly PORT MS    listens for so many milliseconds, then ends
//   idle, busy         waits or computes for ever, and listens on nothing
//   init PROGRAM…      runs it as a child, as tini(1) does, and waits
//   calls              tries what the system call list refuses, and prints each with its errno
//   descriptors        prints which ones are open
//   times              prints what the three clock calls say
//   who                prints real and effective user IDs and the capabilities it may get
//   forks, memory, memfd, prints, setsids, kills, connects, escapes   the hostile ones
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void wait_for_ever(void) {
    for (;;) pause();
}

static void must(int is_fine, const char *what) {
    if (is_fine) return;
    perror(what);
    exit(1);
}

static int bound(int family, int type, int port) {
    int one = 1, fd = socket(family, type, 0);
    must(fd >= 0, "socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (family == AF_INET6) {
        struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
        must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
    } else {
        struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
        must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
    }
    if (type == SOCK_STREAM) must(listen(fd, 16) == 0, "listen");
    return fd;
}

static void local(const char *path) {
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    strncpy(at.sun_path, path, sizeof at.sun_path - 1);
    must(bind(fd, (struct sockaddr *)&at, sizeof at) == 0, "bind");
    must(listen(fd, 1) == 0, "listen");
}

static void *in_thread(void *unused) {
    getpriority(PRIO_PROCESS, 0);
    return unused;
}

static void say(const char *what, long result) {
    printf("%s %s\n", what, result < 0 ? strerrorname_np(errno) : "works");
}

static void calls(void) {
    char stack[4096];
    say("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
    say("unshare", unshare(CLONE_NEWUSER));
    say("clone", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0));
    say("clone3", syscall(SYS_clone3, stack, 64));
    say("vsock", socket(AF_VSOCK, SOCK_STREAM, 0));
    say("personality", personality(ADDR_NO_RANDOMIZE));
    say("asking", personality(0xffffffff));
    say("keyctl", syscall(SYS_keyctl, 0, -3, 1));
    say("bpf", syscall(SYS_bpf, 0, stack, 0));
    say("settimeofday", settimeofday(&(struct timeval){0}, NULL));
    say("sethostname", sethostname("x", 1));
    say("chroot", chroot("/"));
    say("mknod", mknod("/tmp/device", S_IFBLK | 0600, 0x800));
}

static void times(void) {
    struct timespec at, monotonic;
    struct timeval day;
    clock_gettime(CLOCK_REALTIME, &at);
    clock_gettime(CLOCK_MONOTONIC, &monotonic);
    gettimeofday(&day, NULL);
    printf("clock_gettime %ld\ngettimeofday %ld\ntime %ld\n", at.tv_sec, day.tv_sec, time(NULL));
    printf("monotonic %ld\n", monotonic.tv_sec);
    long refused = syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)8);
    say("bad address", refused);
}

static void connects(const char *address, int port) {
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    inet_aton(address, &at.sin_addr);
    say(address, connect(fd, (struct sockaddr *)&at, sizeof at));
}

static void escapes(void) {
    // Up and out of the root, by way of another root inside it: chroot(2) § Notes.
    int top = open("/", O_DIRECTORY);
    must(mkdir("/tmp/inner", 0755) == 0 && chroot("/tmp/inner") == 0, "chroot");
    must(fchdir(top) == 0, "fchdir");
    for (int level = 0; level < 64; level++) must(chdir("..") == 0, "chdir");
    must(chroot(".") == 0, "chroot");
}

static void eat(int is_mapped) {
    int file = is_mapped ? -1 : memfd_create("food", 0);
    static char page[1 << 20];
    memset(page, 1, sizeof page);
    for (;;) {
        if (!is_mapped) {
            must(write(file, page, sizeof page) == sizeof page, "write");
            continue;
        }
        char *more = mmap(NULL, sizeof page, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        must(more != MAP_FAILED, "mmap");
        memset(more, 1, sizeof page);
    }
}

static int is(char **argv, const char *name) {
    return argv[1] != NULL && strcmp(argv[1], name) == 0;
}

int main(int argc, char **argv) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    int port = argc > 2 ? atoi(argv[2]) : 0;
    if (is(argv, "listen"))
        for (int n = 2; n < argc; n++) bound(AF_INET, SOCK_STREAM, atoi(argv[n]));
    else if (is(argv, "listen6")) bound(AF_INET6, SOCK_STREAM, port);
    else if (is(argv, "datagram")) bound(AF_INET, SOCK_DGRAM, port);
    else if (is(argv, "local")) local(argv[2]);
    else if (is(argv, "maps")) {
        int file = open(argv[2], O_RDWR);
        char *mapped = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
        must(mapped != MAP_FAILED, argv[2]);
        *mapped = 'W';  // the fault of the first one tells the file's times; later ones do not
        usleep(500000);
        *mapped = 'X';
        return 0;
    } else if (is(argv, "writes")) {
        FILE *file = fopen(argv[3], "w");
        must(file != NULL && fputs("server\n", file) >= 0 && fclose(file) == 0, argv[3]);
        bound(AF_INET, SOCK_STREAM, port);
    }
    else if (is(argv, "again")) {
        if (argc == 3) {
            bound(AF_INET, SOCK_STREAM, port);
            execl("/proc/self/exe", argv[0], "again", argv[2], "more", NULL);
        }
    } else if (is(argv, "workers")) {
        bound(AF_INET, SOCK_STREAM, port);
        for (int n = 0; n < 2; n++)
            if (fork() == 0) wait_for_ever();
    } else if (is(argv, "asks")) {
        for (int i = 0; i < 1400; i++) syscall(SYS_getppid);
        bound(AF_INET, SOCK_STREAM, port);
    } else if (is(argv, "thread")) {
        pthread_t thread;
        must(pthread_create(&thread, NULL, in_thread, NULL) == 0, "pthread_create");
        pthread_join(thread, NULL);
        bound(AF_INET, SOCK_STREAM, port);
    } else if (is(argv, "briefly")) {
        bound(AF_INET, SOCK_STREAM, port);
        usleep(1000 * atoi(argv[3]));
        return 0;
    } else if (is(argv, "busy")) for (;;) {}
    else if (is(argv, "init")) {
        if (fork() == 0) {
            execvp(argv[2], argv + 2);
            return 127;
        }
        while (wait(NULL) > 0) {}
        return 0;
    } else if (is(argv, "calls")) { calls(); return 0; }
    else if (is(argv, "times")) { times(); return 0; }
    else if (is(argv, "who")) { printf("%d %d\n", getuid(), geteuid()); return 0; }
    else if (is(argv, "descriptors")) {
        for (int fd = 0; fd < 4096; fd++)
            if (fcntl(fd, F_GETFD) >= 0) printf("%d\n", fd);
        return 0;
    } else if (is(argv, "forks")) for (;;) fork();
    else if (is(argv, "memory")) eat(1);
    else if (is(argv, "memfd")) eat(0);
    else if (is(argv, "setsids")) {
        for (int n = 0; n < 5; n++)
            if (fork() == 0) { setsid(); if (fork() == 0) { signal(SIGTERM, SIG_IGN); wait_for_ever(); } return 0; }
        while (wait(NULL) > 0) {}
        return 0;
    } else if (is(argv, "kills")) { kill(1, SIGKILL); kill(-1, SIGKILL); return 0; }
    else if (is(argv, "parent")) {
        say("attach 1", ptrace(PTRACE_ATTACH, 1, 0, 0));
        say("traceme", ptrace(PTRACE_TRACEME, 0, 0, 0));
        return 0;
    } else if (is(argv, "connects")) { connects(argv[2], atoi(argv[3])); return 0; }
    else if (is(argv, "escapes")) {
        escapes();
        execl("/bin/ls", "ls", "/", NULL);
        return 1;
    }
    wait_for_ever();
}
