/* End a program at its first access beyond a block of aligned memory, such as a tensor, and say
   where that was, and where the block was allocated.

     cc -shared -fPIC -O1 guard.c -o guard.so
     LD_PRELOAD=./guard.so python program.py

   Each block of posix_memalign and aligned_alloc has pages without access before and after it. It
   ends where they begin, as nearly as its alignment lets it; with GUARD_START=1 it begins where
   they end. Each byte of it, and the rest of its pages, is 0xff before the program writes it, which
   is NaN in each dtype. A write into that rest is found when the block is freed. Of a crash or an
   abort that has nothing to do with a block, the stack is printed. For x86-64 and glibc. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096, GAP = 64 * PAGE, BLOCKS = 1 << 15, FRAMES = 60, FILL = 0xff };
static const size_t ARENA = 1ull << 40;

struct block {
    char *pages, *start;
    size_t size, mapped;
    void *stack[FRAMES];
    int depth;
};

struct crash {
    char what[80];
    uintptr_t address;
    void *at;
};

static struct block blocks[BLOCKS];
static int count;
static char *arena, *next;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int inside;
static struct crash crash;

static void say(const char *text) {
    if (write(STDERR_FILENO, text, strlen(text)) < 0) _exit(1);
}

/* Print the file and the offset of each frame, for addr2line. */
static void print(void **stack, int depth) {
    char line[4096];
    for (int i = 0; i < depth; i++) {
        Dl_info info;
        if (dladdr(stack[i], &info) && info.dli_fname)
            snprintf(line, sizeof line, "    %s+0x%lx\n", info.dli_fname,
                     (uintptr_t)stack[i] - (uintptr_t)info.dli_fbase - (i > 0));
        else
            snprintf(line, sizeof line, "    generated code\n");
        say(line);
    }
}

/* Return the block that an address lies in, or less than half a gap beside. */
static struct block *beside(uintptr_t address) {
    for (int i = 0; i < count; i++) {
        uintptr_t first = (uintptr_t)blocks[i].pages;
        if (address >= first - GAP / 2 && address < first + blocks[i].mapped + GAP / 2)
            return &blocks[i];
    }
    return NULL;
}

/* Say what happened, beside which block, and where that was allocated; then end. */
static void report(void **stack, int depth) {
    char line[256];
    struct block *near = crash.address ? beside(crash.address) : NULL;
    if (near) {
        intptr_t before = (intptr_t)near->start - (intptr_t)crash.address;
        intptr_t after = -before - (intptr_t)near->size;
        if (before <= 0 && after < 0)
            snprintf(line, sizeof line, "%s of a block of %zu bytes that was freed\n", crash.what,
                     near->size);
        else
            snprintf(line, sizeof line, "%s %ld bytes %s a block of %zu bytes\n", crash.what,
                     before > 0 ? before : after, before > 0 ? "before" : "after", near->size);
    } else {
        snprintf(line, sizeof line, "%s%s\n", crash.what,
                 crash.address ? " far from each block" : "");
    }
    say(line);
    print(stack, depth);
    if (near) {
        say("  The block was allocated by\n");
        print(near->stack + 1, near->depth - 1);
    }
    _exit(1);
}

/* Run as if the code that crashed had called this, so that the stack can be unwound. */
static void called_by_crash(void) {
    void *stack[FRAMES];
    inside = 1;
    int depth = backtrace(stack, FRAMES);
    stack[0] = crash.at;
    report(stack, depth);
}

/* Return whether a value is an address of TensorFlow after an indirect call, as of a kernel. */
static int is_return(uintptr_t value) {
    Dl_info info;
    if (!dladdr((void *)value, &info) || !strstr(info.dli_fname, "libtensorflow")) return 0;
    const unsigned char *code = (const unsigned char *)value;
    for (int size = 2; size <= 7; size++)
        if (code[-size] == 0xff && (code[1 - size] & 0x38) == 0x10) return 1;
    return 0;
}

/* Return whether a value is the base of the frame of the function that called generated code. */
static int is_base(uintptr_t value, const uintptr_t *top) {
    Dl_info info;
    return value > (uintptr_t)top && value < (uintptr_t)top + (1 << 16) && value % 8 == 0 &&
           dladdr(((void **)value)[1], &info);
}

/* Leave generated code, which cannot be unwound, for the function that called it. */
static void leave(greg_t *registers) {
    uintptr_t *top = (uintptr_t *)registers[REG_RSP];
    while (!is_return(*top)) top++;
    uintptr_t bases[] = {registers[REG_RBP], top[-1], top[-2]};
    for (int i = 2; i >= 0; i--)
        if (is_base(bases[i], top)) registers[REG_RBP] = bases[i];
    registers[REG_RSP] = (greg_t)top;
    registers[REG_RIP] = (greg_t)called_by_crash;
}

/* Keep what a signal says: of an access, whether it reads or writes, and the address. */
static void keep(int number, const siginfo_t *info, const greg_t *registers) {
    crash.at = (void *)registers[REG_RIP];
    const char *access = "", *address = "";
    if (number == SIGSEGV) {
        access = registers[REG_ERR] & 2 ? ": write" : ": read";
        if (info->si_code == SI_KERNEL) access = ": no address of memory";
        else if ((uintptr_t)info->si_addr < PAGE) address = " at a null pointer";
        else crash.address = (uintptr_t)info->si_addr;
    }
    snprintf(crash.what, sizeof crash.what, "SIG%s%s%s", sigabbrev_np(number), access, address);
}

static void on_signal(int number, siginfo_t *info, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    keep(number, info, registers);
    inside = 1;
    Dl_info known;
    if (dladdr(crash.at, &known)) {
        void *stack[FRAMES];
        report(stack + 2, backtrace(stack, FRAMES) - 2);
    }
    leave(registers);
}

__attribute__((constructor)) static void begin(void) {
    void *stack[1];
    backtrace(stack, 1); /* loads the library that unwinds, which allocates */
    arena = mmap(NULL, ARENA, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (arena == MAP_FAILED) say("no memory to guard blocks in\n"), _exit(1);
    next = arena + GAP;
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
    int numbers[] = {SIGSEGV, SIGABRT, SIGFPE, SIGBUS, SIGILL};
    for (int i = 0; i < 5; i++) sigaction(numbers[i], &action, NULL);
}

/* Return a block with guards, or NULL if there is no more room for one. */
static void *guarded(size_t alignment, size_t size) {
    size_t room = (size + alignment - 1) / alignment * alignment;
    size_t mapped = (room + PAGE - 1) / PAGE * PAGE;
    if (inside || !next || alignment > PAGE || size == 0) return NULL;
    char *start = NULL;
    inside = 1;
    pthread_mutex_lock(&lock);
    if (count < BLOCKS && mapped < (size_t)(arena + ARENA - next) - GAP &&
        mprotect(next, mapped, PROT_READ | PROT_WRITE) == 0) {
        start = getenv("GUARD_START") ? next : next + mapped - room;
        struct block own = {.pages = next, .start = start, .size = size, .mapped = mapped};
        own.depth = backtrace(own.stack, FRAMES);
        memset(next, FILL, mapped);
        blocks[count++] = own;
        next += mapped + GAP;
    }
    pthread_mutex_unlock(&lock);
    inside = 0;
    return start;
}

int posix_memalign(void **pointer, size_t alignment, size_t size) {
    static int (*real)(void **, size_t, size_t);
    void *own = guarded(alignment, size);
    if (!real) real = dlsym(RTLD_NEXT, "posix_memalign");
    if (!own) return real(pointer, alignment, size);
    *pointer = own;
    return 0;
}

void *aligned_alloc(size_t alignment, size_t size) {
    static void *(*real)(size_t, size_t);
    void *own = guarded(alignment, size);
    if (!real) real = dlsym(RTLD_NEXT, "aligned_alloc");
    return own ? own : real(alignment, size);
}

void free(void *pointer) {
    static void (*real)(void *);
    if (!real) real = dlsym(RTLD_NEXT, "free");
    if ((char *)pointer < arena || (char *)pointer >= next) {
        real(pointer);
        return;
    }
    struct block *own = beside((uintptr_t)pointer);
    for (char *at = own->pages; at < own->pages + own->mapped; at++)
        if ((at < own->start || at >= own->start + own->size) && *at != (char)FILL) {
            void *stack[FRAMES];
            inside = 1;
            crash = (struct crash){"Found when it is freed: write", (uintptr_t)at, NULL};
            report(stack + 1, backtrace(stack, FRAMES) - 1);
        }
    mprotect(own->pages, own->mapped, PROT_NONE);
    madvise(own->pages, own->mapped, MADV_DONTNEED);
}
