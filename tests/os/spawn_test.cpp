// SPDX-License-Identifier: MIT
// Programs that are started: what they get, what they do not, how they end, why they do not begin.
#include "os/spawn.h"

#include "asyncio/testing/testing.h"
#include "os/errors.h"
#include "os/system_calls.h"
#include "support/child_process.h"
#include "support/system_calls.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <fstream>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>

using namespace asyncio::os;

namespace {

SpawnRequest program(std::vector<std::string> arguments) {
    SpawnRequest request;
    request.arguments = std::move(arguments);
    return request;
}

SpawnRequest shell(std::string script) { return program({"/bin/sh", "-c", std::move(script)}); }

struct Pipe {
    Pipe() {
        std::array<int, 2> fds{};
        REQUIRE(::pipe2(fds.data(), O_CLOEXEC) == 0);
        in = Descriptor(fds[0]);
        out = Descriptor(fds[1]);
    }
    std::string all() {
        out.reset();
        std::string text;
        std::array<char, 4096> block{};
        for (ssize_t got; (got = ::read(in.get(), block.data(), block.size())) > 0;) {
            text.append(block.data(), static_cast<std::size_t>(got));
        }
        return text;
    }
    Descriptor in;
    Descriptor out;
};

/// A minute at most: a program that hangs fails its case.
int returncode_of(ChildProcess& child) {
    const auto end = child.reap_within(60'000);
    if (!end) child.send_signal(SIGKILL);
    CHECK(end.has_value());
    return end ? end->returncode : 1000;
}

int run(const SpawnRequest& request) {
    ChildProcess child = spawn(request);
    return returncode_of(child);
}

/// What it prints.
std::string output_of(SpawnRequest request) {
    Pipe pipe;
    request.stdio[1] = pipe.out.get();
    ChildProcess child = spawn(request);
    std::string text = pipe.all();
    CHECK_EQ(returncode_of(child), 0);
    return text;
}

bool has_children() {
    siginfo_t info{};
    return ::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

/// The descriptors are those of the beginning, and no child is left.
class NothingLeft {
public:
    NothingLeft() = default;
    NothingLeft(const NothingLeft&) = delete;
    NothingLeft& operator=(const NothingLeft&) = delete;
    ~NothingLeft() {
        CHECK_EQ(open_descriptors_count(), before_);
        CHECK(!has_children());
    }

private:
    std::size_t before_ = open_descriptors_count();
};

/// A file in a folder of its own.
class ScratchFile {
public:
    ScratchFile(const char* name, const std::string& text, mode_t mode) {
        REQUIRE(::mkdtemp(folder.data()) != nullptr);
        path = folder + '/' + name;
        std::ofstream(path) << text;
        REQUIRE(::chmod(path.c_str(), mode) == 0);
    }
    ScratchFile(const ScratchFile&) = delete;
    ScratchFile& operator=(const ScratchFile&) = delete;
    ~ScratchFile() {
        ::unlink(path.c_str());
        ::rmdir(folder.c_str());
    }
    std::string folder = "/tmp/spawn_test_XXXXXX";
    std::string path;
};

} // namespace

// ---- what it gets -------------------------------------------------------------------------------

TEST("spawn: an exit code, and the negative number of a signal") {
    const NothingLeft check;
    CHECK_EQ(run(program({"/bin/true"})), 0);
    CHECK_EQ(run(shell("exit 42")), 42);
    CHECK_EQ(run(shell("exit 255")), 255);
    CHECK_EQ(run(shell("kill -KILL $$")), -SIGKILL);
    CHECK_EQ(run(shell("kill -ABRT $$")), -SIGABRT);
}

TEST("FLT-PROC-02: arguments arrive byte by byte, whatever a shell would make of them") {
    const std::vector<std::string> words{"; touch x", "$(x)", "a\nb", "-n", "", "*", "\xff\x01'\""};
    std::vector<std::string> arguments{"/usr/bin/printf", "[%s]"};
    arguments.insert(arguments.end(), words.begin(), words.end());
    std::string expected;
    for (const std::string& word : words) expected += '[' + word + ']';
    CHECK_EQ(output_of(program(arguments)), expected);
}

TEST("spawn: a program is looked for in the PATH that it gets") {
    const ScratchFile script("hello", "#!/bin/sh\necho hello\n", 0755);
    SpawnRequest request = program({"hello"});
    CHECK_THROWS_AS(spawn(request), FileNotFoundError);
    request.env.emplace();
    request.env->emplace_back("PATH", "/nowhere:" + script.folder);
    CHECK_EQ(output_of(request), "hello\n");
    request = program({"another name", "-c", "echo $0"});
    request.executable = "sh";
    CHECK_EQ(output_of(request), "another name\n");
    request = program({"hello"});
    request.env.emplace();
    request.env->emplace_back("PATH", ""); // the working folder
    request.cwd = script.folder;
    CHECK_EQ(output_of(request), "hello\n");
    request = program({"true"});
    request.env.emplace(); // no PATH: the usual one
    CHECK_EQ(run(request), 0);
}

TEST("spawn: working folder, environment and umask are what was asked for") {
    SpawnRequest request = shell("pwd; umask; echo $NAME; echo $HOME");
    request.cwd = "/usr";
    request.umask = 027;
    request.env.emplace();
    request.env->emplace_back("NAME", "a=b");
    CHECK_EQ(output_of(request), "/usr\n0027\na=b\n\n");
    ::setenv("SPAWN_TEST", "inherited", 1);
    CHECK_EQ(output_of(shell("echo $SPAWN_TEST")), "inherited\n");
    ::unsetenv("SPAWN_TEST");
}

TEST("spawn: a session or a process group of its own") {
    const auto group_and_session = [](const SpawnRequest& request) {
        std::istringstream facts(output_of(request));
        std::string pid, name, state, parent, group, session;
        facts >> pid >> name >> state >> parent >> group >> session;
        return std::array<bool, 2>{group == pid, session == pid};
    };
    SpawnRequest request = program({"/bin/cat", "/proc/self/stat"});
    CHECK((group_and_session(request) == std::array<bool, 2>{false, false}));
    request.process_group = 0;
    CHECK((group_and_session(request) == std::array<bool, 2>{true, false}));
    request.process_group.reset();
    request.start_new_session = true;
    CHECK((group_and_session(request) == std::array<bool, 2>{true, true}));
    request.process_group = 1; // another session's
    CHECK_THROWS_MSG(spawn(request), PermissionError, "(setpgid)");
}

TEST("spawn: streams that are each other's are not overwritten on the way") {
    Pipe first;
    Pipe second;
    const auto end = support::in_child([&] {
        ::dup2(first.out.get(), 1);
        ::dup2(second.out.get(), 2);
        SpawnRequest request = shell("echo out; echo err >&2");
        request.stdio = {-1, 2, 1};
        CHECK_EQ(run(request), 0);
    });
    CHECK(end.exited(0));
    CHECK_EQ(first.all(), "err\n");
    CHECK_EQ(second.all(), "out\n");
}

TEST("spawn: a parent without streams of its own can give some to a child") {
    Pipe pipe;
    const auto end = support::in_child([&] {
        for (int fd = 0; fd < 3; ++fd) ::close(fd);
        const int out = ::fcntl(pipe.out.get(), F_DUPFD_CLOEXEC, 0); // 0
        SpawnRequest request = shell("echo out; echo err >&2");
        request.stdio = {-1, out, out};
        if (out != 0 || run(request) != 0) ::_exit(1);
    });
    CHECK(end.exited(0));
    CHECK_EQ(pipe.all(), "out\nerr\n");
}

// ---- what it does not get -----------------------------------------------------------------------

TEST("FLT-PROC-03: a child has its streams and what is passed on, and no other descriptor") {
    std::vector<Descriptor> open; // some would survive an exec
    for (int i = 0; i < 500; ++i) {
        open.emplace_back(::open("/dev/null", i % 2 == 0 ? O_RDONLY : O_RDONLY | O_CLOEXEC));
    }
    std::atomic<bool> stop{false};
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            while (!stop) Descriptor(::open("/dev/null", O_RDONLY));
        });
    }
    const Descriptor low(::fcntl(open[0].get(), F_DUPFD, 700));
    const Descriptor high(::fcntl(open[0].get(), F_DUPFD_CLOEXEC, 900));
    SpawnRequest request = program({"/bin/ls", "/proc/self/fd"});
    for (int i = 0; i < 20; ++i) {
        request.pass_fds.clear();
        CHECK_EQ(output_of(request), "0\n1\n2\n3\n"); // 3: the folder that it reads
        request.pass_fds = {high.get(), low.get(), high.get(), 1};
        CHECK_EQ(output_of(request), "0\n1\n2\n3\n" + std::to_string(low.get()) + "\n" +
                                         std::to_string(high.get()) + "\n");
    }
    stop = true;
    for (std::thread& thread : threads) thread.join();
    request.pass_fds.clear();
    request.close_fds = false;
    const std::string all = output_of(request);
    CHECK(all.find(std::to_string(low.get())) != std::string::npos);
    CHECK(all.find(std::to_string(high.get())) == std::string::npos); // closed on exec
    request.pass_fds = {12345};
    CHECK_THROWS_MSG(spawn(request), OSError, "Bad file descriptor: 'pass_fds'");
}

TEST("FLT-PROC-03: signal mask and handlers are at their defaults; who ignores, hands it on") {
    const auto end = support::in_child([] {
        for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL); // whoever runs us
        ::signal(SIGUSR1, [](int) {});
        ::signal(SIGPIPE, SIG_IGN);
        ::signal(SIGHUP, SIG_IGN);
        sigset_t held;
        ::sigemptyset(&held);
        ::sigaddset(&held, SIGTERM);
        ::pthread_sigmask(SIG_SETMASK, &held, nullptr);
        SpawnRequest request = program({"/bin/grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"});
        CHECK_EQ(output_of(request), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000001\n");
        request.restore_signals = false;
        CHECK_EQ(output_of(request), "SigBlk:\t0000000000004000\nSigIgn:\t0000000000001001\n");
        sigset_t after;
        ::pthread_sigmask(SIG_SETMASK, nullptr, &after);
        CHECK_EQ(::sigismember(&after, SIGTERM), 1); // of the parent, nothing has changed
        CHECK_EQ(::sigismember(&after, SIGINT), 0);
    });
    CHECK(end.exited(0));
}

TEST("FLT-PROC-08: user, group and groups are really others, and the parent is untouched") {
    if (::geteuid() != 0) return; // only root can
    SpawnRequest request =
        shell("id -u; id -ru; id -g; id -G; grep -E '^(Uid|Gid)' /proc/self/status");
    request.user = 65534;
    request.group = 65533;
    request.extra_groups.emplace();
    const std::string ids = "Uid:\t65534\t65534\t65534\t65534\nGid:\t65533\t65533\t65533\t65533\n";
    CHECK_EQ(output_of(request), "65534\n65534\n65533\n65533\n" + ids);
    request.extra_groups->push_back(1234);
    CHECK_EQ(output_of(request), "65534\n65534\n65533\n65533 1234\n" + ids);
    CHECK_EQ(::geteuid(), 0U);
    CHECK_EQ(::prctl(PR_GET_DUMPABLE), 1); // a shared memory would have lost it
    request.executable = "/nowhere";
    CHECK_THROWS_AS(spawn(request), FileNotFoundError); // also tells from a memory of its own
    CHECK(!has_children());
}

TEST("FLT-PROC-08: who may not change user or groups gets an error, not a program") {
    const auto end = support::in_child([] {
        if (::geteuid() == 0) CHECK_EQ(::setresuid(65534, 65534, 65534), 0);
        SpawnRequest request = program({"/bin/true"});
        request.user = 0;
        CHECK_THROWS_MSG(spawn(request), PermissionError, "(setresuid)");
        request.user.reset();
        request.group = 0;
        if (::getegid() != 0) CHECK_THROWS_MSG(spawn(request), PermissionError, "(setresgid)");
        request.group.reset();
        request.extra_groups.emplace();
        CHECK_THROWS_MSG(spawn(request), PermissionError, "(setgroups)");
        CHECK(!has_children());
    });
    CHECK(end.exited(0));
}

TEST("FLT-PROC-08: a child shares its parent's memory until it is a program, but not its rights") {
    const support::KeepSystemCalls keep;
    static int flags;
    system_calls.clone = [](int (*)(void*), void*, int with, void*, int*) {
        flags = with;
        errno = EAGAIN;
        return -1;
    };
    SpawnRequest request = program({"/bin/true"});
    CHECK_THROWS_AS(spawn(request), BlockingIOError);
    CHECK((flags & CLONE_VM) != 0 && (flags & CLONE_VFORK) != 0); // nothing to copy, of any size
    request.user = ::getuid();
    CHECK_THROWS_AS(spawn(request), BlockingIOError);
    CHECK((flags & CLONE_VM) == 0);
}

// ---- why it does not begin ----------------------------------------------------------------------

TEST("FLT-PROC-01: what cannot be executed is an error that names it, and leaves no zombie") {
    const NothingLeft check;
    const ScratchFile text("text", "just text\n", 0755);
    const ScratchFile locked("locked", "#!/bin/sh\n", 0644);
    CHECK_THROWS_MSG(spawn(program({"/no/such", "-x"})), FileNotFoundError, "'/no/such' (execve)");
    CHECK_THROWS_MSG(spawn(program({"no-such-program"})), FileNotFoundError, "'no-such-program'");
    CHECK_THROWS_MSG(spawn(program({locked.path})), PermissionError, locked.path);
    CHECK_THROWS_MSG(spawn(program({text.path})), OSError, "Exec format error: '" + text.path);
    CHECK_THROWS_MSG(spawn(program({text.path + "/x"})), NotADirectoryError, text.path);
    CHECK_THROWS_MSG(spawn(program({"/bin/true", std::string(1 << 20, 'x')})), OSError,
                     "Argument list too long: '/bin/true'");
    SpawnRequest elsewhere = program({"/bin/true"});
    elsewhere.cwd = "/no/such/folder";
    CHECK_THROWS_MSG(spawn(elsewhere), FileNotFoundError, "'/no/such/folder' (chdir)");
    SpawnRequest searched = program({"locked"}); // says more than that the others are not there
    searched.env.emplace();
    searched.env->emplace_back("PATH", "/nowhere:" + locked.folder + ":/nowhere");
    CHECK_THROWS_AS(spawn(searched), PermissionError);
    SpawnRequest closed = program({"/bin/true"});
    closed.stdio[1] = 12345;
    CHECK_THROWS_MSG(spawn(closed), OSError, "Bad file descriptor (dup3)");
}

TEST("FLT-PROC-01: a kernel that makes no process is an error that names the program") {
    const NothingLeft check;
    const support::KeepSystemCalls keep;
    static int error;
    system_calls.clone = [](int (*)(void*), void*, int, void*, int*) {
        errno = error;
        return -1;
    };
    for (const int each : {EAGAIN, ENOMEM, EMFILE, ENFILE}) {
        error = each;
        CHECK_THROWS_MSG(spawn(program({"/bin/true"})), OSError, "'/bin/true' (clone)");
    }
}

TEST("FLT-PROC-01: with no descriptor left there is no process either") {
    const auto end = support::in_child([] {
        const rlimit few{8, 8};
        CHECK_EQ(::setrlimit(RLIMIT_NOFILE, &few), 0);
        while (::dup(0) >= 0) {
        }
        CHECK_THROWS_MSG(spawn(program({"/bin/true"})), OSError, "Too many open files");
        CHECK(!has_children());
    });
    CHECK(end.exited(0));
}

// ---- how it ends --------------------------------------------------------------------------------

TEST("ChildProcess: reap() does not wait, and a process that is stopped has not ended") {
    const NothingLeft check;
    ChildProcess child = spawn(program({"/bin/sleep", "1000"}));
    CHECK(child.pid() > 0);
    CHECK(!child.reap());
    child.send_signal(SIGSTOP);
    siginfo_t info{};
    CHECK_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WSTOPPED | WNOWAIT), 0);
    CHECK(!child.reap());
    CHECK(!child.reap_within(0));
    child.send_signal(SIGCONT);
    child.send_signal(SIGTERM);
    CHECK_EQ(returncode_of(child), -SIGTERM);
}

TEST("ChildProcess: a signal to a zombie is lost, to a process that was reaped an error") {
    ChildProcess child = spawn(program({"/bin/true"}));
    siginfo_t info{};
    CHECK_EQ(::waitid(P_PID, static_cast<id_t>(child.pid()), &info, WEXITED | WNOWAIT), 0);
    child.send_signal(SIGKILL);
    CHECK_EQ(returncode_of(child), 0);
    CHECK_THROWS_MSG(child.send_signal(SIGKILL), ProcessLookupError, std::to_string(child.pid()));
    ChildProcess other = spawn(program({"/bin/sleep", "1000"}));
    CHECK_THROWS_MSG(other.send_signal(12345), OSError, "Invalid argument");
    other.send_signal(SIGKILL);
    CHECK_EQ(returncode_of(other), -SIGKILL);
}

TEST("FLT-PROC-05: a status that somebody else has taken is known to be unknown") {
    const NothingLeft check;
    ChildProcess child = spawn(shell("exit 3"));
    CHECK_EQ(::waitpid(child.pid(), nullptr, 0), child.pid());
    const auto end = child.reap();
    CHECK(end.has_value());
    CHECK_EQ(end->returncode, 255);
    CHECK(!end->is_known);
    // Whoever has its number now is not meant.
    CHECK_THROWS_AS(child.send_signal(SIGKILL), ProcessLookupError);
}

TEST("FLT-PROC-06: a hundred processes at once, and a thousand one after the other, from threads") {
    const NothingLeft check;
    std::vector<ChildProcess> all;
    for (int i = 0; i < 100; ++i) all.push_back(spawn(shell("exit " + std::to_string(i))));
    for (int i = 0; i < 100; ++i) CHECK_EQ(returncode_of(all[static_cast<std::size_t>(i)]), i);
    std::vector<std::thread> threads;
    std::atomic<int> right{0};
    for (int i = 0; i < 2; ++i) {
        threads.emplace_back([&, i] {
            for (int k = 0; k < 500; ++k) {
                ChildProcess child = spawn(program({i == 0 ? "/bin/true" : "/bin/false"}));
                const auto end = child.reap_within(60'000);
                right += end && end->returncode == i ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    CHECK_EQ(right.load(), 1000);
}

TEST("spawn: a signal that comes meanwhile is the parent's, and is handled once") {
    static std::atomic<int> handled;
    handled = 0;
    const auto before = ::signal(SIGUSR2, [](int) { ++handled; });
    const pthread_t self = ::pthread_self();
    std::atomic<bool> stop{false};
    int sent = 0;
    std::thread sender([&] {
        while (!stop) {
            if (handled.load() != sent) continue; // one at a time: equal ones merge
            ++sent;
            ::pthread_kill(self, SIGUSR2);
        }
    });
    for (int i = 0; i < 100; ++i) CHECK_EQ(run(program({"/bin/true"})), 0);
    stop = true;
    sender.join();
    while (handled.load() != sent) std::this_thread::yield();
    ::signal(SIGUSR2, before);
    CHECK(sent > 0);
}

TEST("user_id, group_id: by name, and nothing for a name that nobody has") {
    CHECK_EQ(user_id("root").value(), 0U);
    CHECK_EQ(group_id("root").value(), 0U);
    CHECK(!user_id("no such user"));
    CHECK(!group_id("no such group"));
}
