#define _GNU_SOURCE
#include "files.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { MAPPINGS = 128, PATH = 512 };

// `start` is set last and cleared first: the signal handler, which takes no lock, believes an entry only while it is set.
static struct {
    _Atomic(const char *) start;
    size_t size;
    char path[PATH];
} mappings[MAPPINGS];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static int exit_code;
static struct sigaction previous;

static void put(const char *text) {
    // Nothing can be done where standard error cannot be written to.
    if (write(STDERR_FILENO, text, strlen(text)) < 0) return;
}

// Only functions that are safe in a signal handler.
static void end_process(int number, siginfo_t *information, void *context) {
    (void)context;
    // A page beyond the end of a file: of one of the mappings here, or of another one that nobody else watches.
    const char *path = NULL;
    if (information->si_code == BUS_ADRERR) {
        const char *place = information->si_addr;
        if (!(previous.sa_flags & SA_SIGINFO) && previous.sa_handler == SIG_DFL) path = "a file";
        for (int i = 0; i < MAPPINGS; i++) {
            const char *start = atomic_load(&mappings[i].start);
            if (start && place >= start && (size_t)(place - start) < mappings[i].size) path = mappings[i].path;
        }
    }
    if (!path) {
        // The handler before this one gets the signal.
        sigaction(number, &previous, NULL);
        raise(number);
        return;
    }
    put("mmx: ");
    put(path);
    put(" became shorter while it was read, or its disk failed: was it being replaced? Run the command again\n");
    _exit(exit_code);
}

static void watch(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = end_process;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous);
}

void mmx_watch_mappings(int code) {
    exit_code = code;
    pthread_once(&once, watch);
}

int mmx_name_mapping(const void *start, size_t size, const char *path) {
    pthread_mutex_lock(&lock);
    int number = 0;
    while (number < MAPPINGS && atomic_load(&mappings[number].start)) number++;
    if (number < MAPPINGS) {
        mappings[number].size = size;
        strncpy(mappings[number].path, path, PATH - 1);
        atomic_store(&mappings[number].start, (const char *)start);
    } else {
        number = -1;
    }
    pthread_mutex_unlock(&lock);
    return number;
}

void mmx_forget_mapping(int number) {
    if (number >= 0) atomic_store(&mappings[number].start, (const char *)0);
}
