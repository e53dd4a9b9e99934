/* Loaded into every program of a container (ld.so(8) § /etc/ld.so.preload): writes the state each
 * begins with after execve(2) to /at_exec, and holds the one that is asked for there until told.
 *
 * Process titles that programs write later (nginx, redis) are over /proc/PID/cmdline and environ;
 * this sees both as they were given. Statically linked programs are not seen. */

#define _GNU_SOURCE
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PLACE "/at_exec"

extern char **environ;

static void write_strings(const char *directory, const char *name, char **strings) {
    char path[256];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    FILE *file = fopen(path, "we");
    if (file == NULL)
        return;
    fchmod(fileno(file), 0644); /* whatever the umask */
    for (; *strings != NULL; strings++)
        fwrite(*strings, 1, strlen(*strings) + 1, file);
    fclose(file);
}

static void copy(const char *directory, const char *name, const char *from) {
    char path[256], text[8192];
    int source = open(from, O_RDONLY | O_CLOEXEC);
    ssize_t length = source < 0 ? 0 : read(source, text, sizeof text);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    int target = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    fchmod(target, 0644);
    if (target >= 0 && length > 0 && write(target, text, (size_t)length) != length)
        abort();
    close(source);
    close(target);
}

static void link_text(const char *directory, const char *name, const char *from) {
    char path[256], text[4096];
    ssize_t length = readlink(from, text, sizeof text - 1);
    snprintf(path, sizeof path, "%s/%s", directory, name);
    text[length < 0 ? 0 : length] = '\0';
    if (symlink(text, path) != 0)
        return;
}

/* The first line of PLACE/hold is the program to hold, the second "1" if only as process 1. */
static int is_to_be_held(void) {
    char exe[4096], wanted[4096], first[16] = "";
    ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
    FILE *file = fopen(PLACE "/hold", "re");
    if (file == NULL || length < 0)
        return 0;
    exe[length] = '\0';
    int lines = fscanf(file, "%4095s %15s", wanted, first);
    fclose(file);
    return lines == 2 && strcmp(exe, wanted) == 0 && (strcmp(first, "1") != 0 || getpid() == 1);
}

__attribute__((constructor)) static void begin(int argc, char **argv, char **envp) {
    (void)argc, (void)envp;
    char directory[] = PLACE "/XXXXXX";
    if (access(PLACE "/go", F_OK) == 0 || mkdtemp(directory) == NULL)
        return;
    int is_held = is_to_be_held();
    chmod(directory, 0755);
    write_strings(directory, "argv", argv);
    write_strings(directory, "environ", environ);
    copy(directory, "status", "/proc/self/status");
    copy(directory, "limits", "/proc/self/limits");
    link_text(directory, "exe", "/proc/self/exe");
    link_text(directory, "cwd", "/proc/self/cwd");
    if (is_held && symlink(strrchr(directory, '/') + 1, PLACE "/held") != 0)
        is_held = 0;  /* another one is */
    while (is_held && access(PLACE "/go", F_OK) != 0)
        usleep(20000);
}
