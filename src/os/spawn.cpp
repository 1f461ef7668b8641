// SPDX-License-Identifier: MIT
// Starting a program: what is made ready before, what the child does until it is another program.
#include "os/spawn.h"

#include "os/errors.h"
#include "os/system_calls.h"

#include <algorithm>
#include <cerrno>
#include <climits>
#include <csignal>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <poll.h>
#include <pwd.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace asyncio::os {

namespace {

/// What the child was doing when it failed.
enum class Step {
    none,
    redirect,
    pass,
    chdir,
    setsid,
    setpgid,
    setgroups,
    setgid,
    setuid,
    execute
};

/// Written by the child, read by the parent.
struct Report {
    Step step = Step::none;
    int error = 0;
};

/// What the child is told: plain memory, for it can call nothing but the kernel.
struct Start {
    char* const* arguments;
    char* const* environment;
    const char* const* candidates; // paths to execute, the first that is there; null at the end
    const char* folder; // null: stay
    std::array<int, 3> stdio;
    const int* kept; // descriptors from 3 on, in order
    std::size_t kept_count;
    bool close_others;
    bool restore_signals;
    bool new_session;
    long process_group; // each -1: leave it
    long umask;
    long user;
    long group;
    const gid_t* groups;
    long groups_count;
    unsigned long signals_before; // held back by the parent
    Report* report;
};

// ---- in the child -------------------------------------------------------------------------------

// It shares the parent's memory and thread-local storage, and the parent's thread stands still: no
// lock may be taken, no signal handler run, no sanitizer take notes. So it asks the kernel alone,
// past libc, whose setuid() would have changed all threads of the parent.
#if defined(__clang__)
#define ASYNCIO_IN_CHILD [[clang::disable_sanitizer_instrumentation]] static
#else
#define ASYNCIO_IN_CHILD [[gnu::no_sanitize("address,undefined,thread")]] static
#endif

ASYNCIO_IN_CHILD bool pass_descriptors(const Start& start) {
    for (std::size_t i = 0; i < start.kept_count; ++i) {
        if (::syscall(SYS_fcntl, start.kept[i], F_SETFD, 0) < 0) return false;
    }
    return true;
}

ASYNCIO_IN_CHILD bool redirect(const Start& start) {
    int from[3] = {start.stdio.data()[0], start.stdio.data()[1], start.stdio.data()[2]};
    for (int to = 0; to < 3; ++to) { // out of the way of those that are put in their place
        if (from[to] < 0 || from[to] > 2 || from[to] == to) continue;
        from[to] = static_cast<int>(::syscall(SYS_fcntl, from[to], F_DUPFD_CLOEXEC, 3));
        if (from[to] < 0) return false;
    }
    for (int to = 0; to < 3; ++to) {
        if (from[to] < 0) continue;
        const long result = from[to] == to ? ::syscall(SYS_fcntl, to, F_SETFD, 0)
                                           : ::syscall(SYS_dup3, from[to], to, 0);
        if (result < 0) return false;
    }
    return true;
}

// At exec, so that a program on one of them can still be found. If the kernel cannot: all that is
// ours is closed at exec anyway.
ASYNCIO_IN_CHILD void close_others(const Start& start) {
    unsigned first = 3;
    for (std::size_t i = 0; i < start.kept_count; ++i) {
        const auto kept = static_cast<unsigned>(start.kept[i]);
        if (kept > first) ::syscall(SYS_close_range, first, kept - 1, CLOSE_RANGE_CLOEXEC);
        first = kept + 1;
    }
    ::syscall(SYS_close_range, first, UINT_MAX, CLOSE_RANGE_CLOEXEC);
}

/// As the kernel has it, on x86-64 and arm64.
struct KernelAction {
    void (*handler)(int);
    unsigned long flags;
    void (*restorer)();
    unsigned long mask;
};
constexpr long kernel_mask_bytes = sizeof(unsigned long);
constexpr int signals_count = 64;

// No handler may be called in here. Only then no signal is held back any more.
ASYNCIO_IN_CHILD void reset_signals(const Start& start) {
    for (int number = 1; number <= signals_count; ++number) {
        KernelAction action;
        if (::syscall(SYS_rt_sigaction, number, nullptr, &action, kernel_mask_bytes) < 0) continue;
        const bool restored = start.restore_signals && (number == SIGPIPE || number == SIGXFSZ);
        if (action.handler == SIG_DFL || (action.handler == SIG_IGN && !restored)) continue;
        action.handler = SIG_DFL;
        action.flags = 0;
        ::syscall(SYS_rt_sigaction, number, &action, nullptr, kernel_mask_bytes);
    }
    const unsigned long held_back = start.restore_signals ? 0 : start.signals_before;
    ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &held_back, nullptr, kernel_mask_bytes);
}

ASYNCIO_IN_CHILD void execute(const Start& start) {
    int telling = 0; // says more than that a file is not there
    for (const char* const* path = start.candidates; *path != nullptr; ++path) {
        ::syscall(SYS_execve, *path, start.arguments, start.environment);
        if (errno != ENOENT && errno != ENOTDIR && telling == 0) telling = errno;
    }
    if (telling != 0) errno = telling;
}

// Returns what has failed. In CPython's order.
ASYNCIO_IN_CHILD Step become_program(const Start& start) {
    if (!pass_descriptors(start)) return Step::pass;
    if (!redirect(start)) return Step::redirect;
    if (start.folder != nullptr && ::syscall(SYS_chdir, start.folder) < 0) return Step::chdir;
    if (start.umask >= 0) ::syscall(SYS_umask, start.umask);
    if (start.new_session && ::syscall(SYS_setsid) < 0) return Step::setsid;
    if (start.process_group >= 0 && ::syscall(SYS_setpgid, 0, start.process_group) < 0) {
        return Step::setpgid;
    }
    if (start.groups_count >= 0 && ::syscall(SYS_setgroups, start.groups_count, start.groups) < 0) {
        return Step::setgroups;
    }
    const long group = start.group;
    if (group >= 0 && ::syscall(SYS_setresgid, group, group, group) < 0) return Step::setgid;
    const long user = start.user;
    if (user >= 0 && ::syscall(SYS_setresuid, user, user, user) < 0) return Step::setuid;
    if (start.close_others) close_others(start);
    reset_signals(start);
    execute(start);
    return Step::execute;
}

ASYNCIO_IN_CHILD int child_main(void* told) {
    const Start& start = *static_cast<const Start*>(told);
    start.report->step = become_program(start);
    start.report->error = errno;
    for (;;) ::syscall(SYS_exit_group, 127);
}

// ---- before -------------------------------------------------------------------------------------

constexpr std::size_t stack_bytes = 32 * 1024;

/// Where the child runs until it is another program, with its report at the end.
class ChildStack {
public:
    /// shared    the child has a memory of its own: its report has to come through.
    explicit ChildStack(bool shared)
        : memory_(::mmap(nullptr, stack_bytes, PROT_READ | PROT_WRITE,
                         MAP_ANONYMOUS | (shared ? MAP_SHARED : MAP_PRIVATE | MAP_STACK), -1, 0)) {
        if (memory_ == MAP_FAILED) throw_os_error(errno, "mmap");
        report_ = new (static_cast<char*>(memory_) + top_offset) Report;
    }
    ChildStack(const ChildStack&) = delete;
    ChildStack& operator=(const ChildStack&) = delete;
    ~ChildStack() { ::munmap(memory_, stack_bytes); }

    void* top() const noexcept { return report_; } // it grows downwards
    Report& report() const noexcept { return *report_; }

private:
    static constexpr std::size_t top_offset = stack_bytes - 64; // aligned, as a stack has to be
    void* memory_;
    Report* report_;
};

/// No signal comes to this thread: a child that shares its memory must not run its handlers.
class HoldBackSignals {
public:
    HoldBackSignals() noexcept {
        const unsigned long all = ~0UL;
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &all, &before_, kernel_mask_bytes);
    }
    HoldBackSignals(const HoldBackSignals&) = delete;
    HoldBackSignals& operator=(const HoldBackSignals&) = delete;
    ~HoldBackSignals() {
        ::syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before_, nullptr, kernel_mask_bytes);
    }
    unsigned long before() const noexcept { return before_; }

private:
    unsigned long before_ = 0;
};

std::vector<const char*> pointers_to(const std::vector<std::string>& texts) {
    std::vector<const char*> pointers;
    pointers.reserve(texts.size() + 1);
    for (const std::string& text : texts) pointers.push_back(text.c_str());
    pointers.push_back(nullptr);
    return pointers;
}

/// What execve() takes; it changes nothing of it.
char* const* vector_of(const std::vector<const char*>& pointers) {
    return const_cast<char* const*>(pointers.data());
}

std::string search_path(const SpawnRequest& request) {
    const char* const otherwise = "/bin:/usr/bin";
    if (!request.env) {
        const char* path = ::getenv("PATH");
        return path != nullptr ? path : otherwise;
    }
    for (const auto& [name, value] : *request.env) {
        if (name == "PATH") return value;
    }
    return otherwise;
}

const std::string& program_of(const SpawnRequest& request) {
    return request.executable.empty() ? request.arguments.front() : request.executable;
}

/// The paths that a program may have, in the order of PATH.
std::vector<std::string> candidates_of(const SpawnRequest& request) {
    const std::string& program = program_of(request);
    std::vector<std::string> paths;
    if (program.find('/') != std::string::npos) {
        paths.push_back(program);
        return paths;
    }
    const std::string folders = search_path(request);
    for (std::size_t begin = 0; begin <= folders.size();) {
        const std::size_t end = std::min(folders.find(':', begin), folders.size());
        std::string folder = folders.substr(begin, end - begin);
        if (!folder.empty() && folder.back() != '/') folder += '/';
        paths.push_back(folder + program); // an empty one is the working folder
        begin = end + 1;
    }
    return paths;
}

std::vector<std::string> environment_of(const SpawnRequest& request) {
    std::vector<std::string> lines;
    if (!request.env) return lines;
    lines.reserve(request.env->size());
    for (const auto& [name, value] : *request.env) {
        lines.push_back(name);
        lines.back().append(1, '=').append(value);
    }
    return lines;
}

std::vector<int> kept_by(const SpawnRequest& request) {
    std::vector<int> kept;
    std::copy_if(request.pass_fds.begin(), request.pass_fds.end(), std::back_inserter(kept),
                 [](int fd) { return fd > STDERR_FILENO; });
    std::sort(kept.begin(), kept.end());
    kept.erase(std::unique(kept.begin(), kept.end()), kept.end());
    return kept;
}

/// A request in plain memory, and what it points to.
class Plan {
public:
    explicit Plan(const SpawnRequest& request)
        : paths_(candidates_of(request)), lines_(environment_of(request)), kept_(kept_by(request)),
          argument_pointers_(pointers_to(request.arguments)), path_pointers_(pointers_to(paths_)),
          line_pointers_(pointers_to(lines_)),
          start_{
              .arguments = vector_of(argument_pointers_),
              .environment = request.env ? vector_of(line_pointers_) : ::environ,
              .candidates = path_pointers_.data(),
              .folder = request.cwd.empty() ? nullptr : request.cwd.c_str(),
              .stdio = request.stdio,
              .kept = kept_.data(),
              .kept_count = kept_.size(),
              .close_others = request.close_fds,
              .restore_signals = request.restore_signals,
              .new_session = request.start_new_session,
              .process_group = number_or_none(request.process_group),
              .umask = number_or_none(request.umask),
              .user = number_or_none(request.user),
              .group = number_or_none(request.group),
              .groups = request.extra_groups ? request.extra_groups->data() : nullptr,
              .groups_count =
                  request.extra_groups ? static_cast<long>(request.extra_groups->size()) : -1,
              .signals_before = 0,
              .report = nullptr,
          } {}

    Start& start() noexcept { return start_; }

private:
    template <class T>
    static long number_or_none(const std::optional<T>& number) {
        return number ? static_cast<long>(*number) : -1;
    }

    std::vector<std::string> paths_;
    std::vector<std::string> lines_;
    std::vector<int> kept_;
    std::vector<const char*> argument_pointers_;
    std::vector<const char*> path_pointers_;
    std::vector<const char*> line_pointers_;
    Start start_;
};

// ---- afterwards ---------------------------------------------------------------------------------

[[noreturn]] void throw_failure(const Report& report, const SpawnRequest& request) {
    const int error = report.error;
    switch (report.step) {
    case Step::none:
    case Step::execute: break;
    case Step::redirect: throw_os_error(error, "dup3");
    case Step::pass: throw_os_error(error, "fcntl", "pass_fds");
    case Step::chdir: throw_os_error(error, "chdir", request.cwd);
    case Step::setsid: throw_os_error(error, "setsid");
    case Step::setpgid: throw_os_error(error, "setpgid");
    case Step::setgroups: throw_os_error(error, "setgroups");
    case Step::setgid: throw_os_error(error, "setresgid");
    case Step::setuid: throw_os_error(error, "setresuid");
    }
    throw_os_error(error, "execve", program_of(request));
}

std::optional<ExitStatus> reap_child(int pidfd, int options) noexcept {
    siginfo_t ended{};
    int result;
    do {
        result = system_calls.waitid(P_PIDFD, static_cast<id_t>(pidfd), &ended, WEXITED | options);
    } while (result < 0 && errno == EINTR);
    if (result < 0) return ExitStatus{255, false}; // no child of ours any more
    if (ended.si_pid == 0) return std::nullopt;
    return ExitStatus{ended.si_code == CLD_EXITED ? ended.si_status : -ended.si_status};
}

} // namespace

ChildProcess spawn(const SpawnRequest& request) {
    Plan plan(request);
    Start& start = plan.start();
    const bool changes_rights = request.user || request.group || request.extra_groups;
    const ChildStack stack(changes_rights);
    start.report = &stack.report();
    int pidfd = -1;
    int pid = -1;
    int error = 0;
    {
        const HoldBackSignals hold;
        start.signals_before = hold.before();
        const int memory = changes_rights ? 0 : CLONE_VM;
        pid = system_calls.clone(&child_main, stack.top(),
                                 memory | CLONE_VFORK | CLONE_PIDFD | SIGCHLD, &start, &pidfd);
        error = errno;
    }
    if (pid < 0) throw_os_error(error, "clone", program_of(request));
    ChildProcess child(pid, Descriptor(pidfd));
    if (stack.report().step == Step::none) return child;
    reap_child(pidfd, 0);
    throw_failure(stack.report(), request);
}

std::optional<ExitStatus> ChildProcess::reap() noexcept {
    return reap_child(pidfd_.get(), WNOHANG);
}

std::optional<ExitStatus> ChildProcess::reap_within(int limit_ms) noexcept {
    pollfd ended{pidfd_.get(), POLLIN, 0};
    while (::poll(&ended, 1, limit_ms) < 0 && errno == EINTR) {
    }
    return reap();
}

void ChildProcess::send_signal(int number) const {
    if (system_calls.pidfd_send_signal(pidfd_.get(), number, nullptr, 0) == 0) return;
    throw_os_error(errno, "pidfd_send_signal", std::to_string(pid_));
}

// ---- accounts -----------------------------------------------------------------------------------

namespace {

/// Calls one of libc's look-ups, which want room for what the entry has in it.
/// Returns   0 or an errno; the entry is looked at by `read`.
template <class Entry, class Read>
void look_up(const std::string& name, const char* function,
             int (*call)(const char*, Entry*, char*, std::size_t, Entry**), Read read) {
    std::vector<char> room(1024);
    for (;;) {
        Entry entry{};
        Entry* found = nullptr;
        const int error = call(name.c_str(), &entry, room.data(), room.size(), &found);
        if (error == ERANGE) {
            room.resize(room.size() * 2);
            continue;
        }
        if (found != nullptr) return read(*found);
        // "Not there" has many names; see getpwnam(3).
        const bool not_there =
            error == 0 || error == ENOENT || error == ESRCH || error == EBADF || error == EPERM;
        if (!not_there && error != EINTR) throw_os_error(error, function, name);
        if (not_there) return;
    }
}

} // namespace

std::optional<uid_t> user_id(const std::string& name) {
    std::optional<uid_t> id;
    look_up<passwd>(name, "getpwnam", &::getpwnam_r,
                    [&](const passwd& entry) { id = entry.pw_uid; });
    return id;
}

std::optional<gid_t> group_id(const std::string& name) {
    std::optional<gid_t> id;
    look_up<group>(name, "getgrnam", &::getgrnam_r, [&](const group& entry) { id = entry.gr_gid; });
    return id;
}

} // namespace asyncio::os
