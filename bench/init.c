/*
 * The Linux guest's /init: brings up what a container's runtime would have, then becomes the
 * program. It reads, from the initramfs, one item a line:
 *
 *   /bench/modules   kernel modules to load, in order
 *   /bench/command   the program's path, then its argv
 *   /bench/environment
 *
 * The address is fixed, so that no time goes into DHCP. Does no more than the guest needs.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { LINES = 64 };

static void die(const char *what)
{
    perror(what);
    exit(1); /* the kernel panics when init ends, which the host sees */
}

static char **read_lines(const char *path)
{
    static char *none[] = { NULL };
    size_t size = 0, count = 0;
    char **lines = calloc(LINES + 1, sizeof *lines);
    FILE *file = fopen(path, "r");
    if (!file) return none;
    while (count < LINES && getline(&lines[count], &size, file) > 0) {
        lines[count][strcspn(lines[count], "\n")] = '\0';
        count++;
        size = 0;
    }
    lines[count] = NULL;
    fclose(file);
    return lines;
}

static void mount_all(void)
{
    mkdir("/proc", 0755), mkdir("/sys", 0755), mkdir("/dev", 0755), mkdir("/tmp", 01777);
    if (mount("proc", "/proc", "proc", 0, NULL)) die("mount /proc");
    if (mount("sysfs", "/sys", "sysfs", 0, NULL)) die("mount /sys");
    if (mount("dev", "/dev", "devtmpfs", 0, NULL)) die("mount /dev");
    symlink("/proc/self/fd", "/dev/fd");
    symlink("/proc/self/fd/0", "/dev/stdin");
    symlink("/proc/self/fd/1", "/dev/stdout");
    symlink("/proc/self/fd/2", "/dev/stderr");
}

static void open_console(void)
{
    int fd = open("/dev/console", O_RDWR);
    for (int target = 0; fd >= 0 && target < 3; target++) dup2(fd, target);
}

static void load_modules(void)
{
    for (char **path = read_lines("/bench/modules"); *path; path++) {
        int fd = open(*path, O_RDONLY | O_CLOEXEC);
        if (fd < 0 || syscall(SYS_finit_module, fd, "", 0)) die(*path);
        close(fd);
    }
}

static struct sockaddr address(const char *text)
{
    struct sockaddr result;
    struct sockaddr_in in = { .sin_family = AF_INET };
    inet_pton(AF_INET, text, &in.sin_addr);
    memcpy(&result, &in, sizeof result);
    return result;
}

static void bring_up(int fd, const char *name)
{
    struct ifreq request = { 0 };
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (strcmp(name, "lo")) {
        request.ifr_addr = address("10.0.2.15");
        if (ioctl(fd, SIOCSIFADDR, &request)) die("SIOCSIFADDR");
        request.ifr_netmask = address("255.255.255.0");
        if (ioctl(fd, SIOCSIFNETMASK, &request)) die("SIOCSIFNETMASK");
    }
    request.ifr_flags = IFF_UP | IFF_RUNNING;
    if (ioctl(fd, SIOCSIFFLAGS, &request)) die("SIOCSIFFLAGS");
}

static void set_network(void)
{
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    struct rtentry route = { .rt_flags = RTF_UP | RTF_GATEWAY };
    if (fd < 0) die("socket");
    bring_up(fd, "lo");
    bring_up(fd, "eth0");
    route.rt_dst = address("0.0.0.0");
    route.rt_genmask = address("0.0.0.0");
    route.rt_gateway = address("10.0.2.2");
    if (ioctl(fd, SIOCADDRT, &route)) die("SIOCADDRT");
    close(fd);
}

int main(void)
{
    mount_all();
    open_console();
    load_modules();
    set_network();
    char **command = read_lines("/bench/command");
    if (!command[0]) die("/bench/command");
    execve(command[0], command + 1, read_lines("/bench/environment"));
    die(command[0]);
}
