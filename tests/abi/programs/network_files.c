/* proc_pid_net(5), /sys/class/net: own sockets are listed with their addresses, states and inodes; `lo` is
 * described. */
#include "sockets.h"
#include <ctype.h>

/* Prints the words `from` to `to` of each line of a file that has `what` in it. */
static void words(const char *path, const char *what, int from, int to)
{
    char line[512];
    FILE *f = fopen(path, "r");
    if (!f) {
        printf("%s: %s\n", path, strerrorname_np(errno));
        return;
    }
    while (fgets(line, sizeof line, f)) {
        if (!strstr(line, what))
            continue;
        int number = 0;
        for (char *word = strtok(line, " \t\n"); word; word = strtok(NULL, " \t\n"), number++)
            if (number >= from && number <= to)
                printf("%s ", word);
        printf("\n");
    }
    fclose(f);
}

static const char *inode(int fd)
{
    static char text[32];
    struct stat s;
    MUST(fstat(fd, &s));
    snprintf(text, sizeof text, " %lu ", (unsigned long)s.st_ino);
    return text;
}

/* A line of /proc/net/tcp without the port that is different each time. */
static void row(const char *path, int fd)
{
    char line[512];
    FILE *f = fopen(path, "r");
    while (f && fgets(line, sizeof line, f)) {
        if (!strstr(line, inode(fd)))
            continue;
        unsigned local, port, remote, remote_port, state, sending, receiving;
        int got = sscanf(line, "%*d: %X:%X %X:%X %X %X:%X", &local, &port, &remote, &remote_port, &state,
                         &sending, &receiving);
        printf("%s: %d fields, %08X %s %08X %s, state %02X, %u %u\n", path, got, local,
               (int)port == port_of(fd) ? "own port" : "another port", remote, remote_port ? "a port" : "no port",
               state, sending, receiving);
    }
    if (f)
        fclose(f);
}

static void first_line(const char *path)
{
    char line[64] = {0};
    int fd = open(path, O_RDONLY);
    if (read(fd, line, sizeof line - 1) < 0)
        printf("%s: %s\n", path, strerrorname_np(errno));
    else
        printf("%s: %s", path, line);
    close(fd);
}

int main(void)
{
    int server = listener(5), client = connected(server), end = accept(server, NULL, NULL);
    row("/proc/net/tcp", server);
    row("/proc/net/tcp", client);
    MUST(write(client, "unread", 6));
    ready(end, POLLIN, 1000);
    row("/proc/net/tcp", end);
    int udp = socket(AF_INET, SOCK_DGRAM, 0);
    row("/proc/net/udp", udp);
    struct sockaddr_in a = loopback(0), to = loopback(9);
    MUST(bind(udp, (struct sockaddr *)&a, sizeof a));
    row("/proc/net/udp", udp);
    MUST(connect(udp, (struct sockaddr *)&to, sizeof to));
    row("/proc/net/udp", udp);
    int six = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 b = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    MUST(bind(six, (struct sockaddr *)&b, sizeof b));
    MUST(listen(six, 1));
    words("/proc/net/tcp6", inode(six), 2, 3);
    struct sockaddr_un u = {.sun_family = AF_UNIX, .sun_path = "\0files"};
    int local = socket(AF_UNIX, SOCK_STREAM, 0), pair[2];
    MUST(bind(local, (struct sockaddr *)&u, sizeof(sa_family_t) + 6));
    words("/proc/net/unix", "@files", 3, 5);
    words("/proc/net/unix", "@files", 7, 7);
    MUST(listen(local, 5));
    words("/proc/net/unix", "@files", 3, 5);
    MUST(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair));
    close(server);
    close(client);
    close(end);
    close(udp);
    close(six);
    close(local);
    words("/proc/net/unix", "@files", 3, 5);
    close(pair[0]);
    close(pair[1]);
    words("/proc/net/dev", "lo:", 0, 0);
    words("/proc/net/if_inet6", " lo", 0, 5);
    words("/proc/net/route", "Iface", 0, 11);
    words("/proc/net/sockstat", "sockets:", 0, 1 - 1);
    first_line("/sys/class/net/lo/mtu");
    first_line("/sys/class/net/lo/address");
    first_line("/sys/class/net/lo/ifindex");
    first_line("/sys/class/net/lo/type");
    first_line("/sys/class/net/lo/flags");
    first_line("/sys/class/net/lo/operstate");
    first_line("/sys/class/net/lo/carrier");
    return 0;
}
