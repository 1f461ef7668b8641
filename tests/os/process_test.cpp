// SPDX-License-Identifier: MIT
// The process: what it says, who is told of a fork, what its threads are called.
#include "os/process.h"

#include "asyncio/testing/testing.h"
#include "os/descriptor.h"

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <pthread.h>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using asyncio::os::Descriptor;

namespace {

/// The error output, led into a pipe until this goes.
class CaughtStderr {
public:
    CaughtStderr() : kept_(::dup(STDERR_FILENO)) {
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) FAIL("pipe2");
        reading_ = Descriptor(ends[0]);
        const Descriptor writing(ends[1]);
        ::dup2(writing.get(), STDERR_FILENO);
    }
    ~CaughtStderr() { ::dup2(kept_.get(), STDERR_FILENO); }

    void read_no_more() { reading_.reset(); }
    std::string read(std::size_t bytes) {
        std::string text(bytes, '\0');
        std::size_t have = 0;
        while (have < bytes) {
            const ssize_t got = ::read(reading_.get(), text.data() + have, bytes - have);
            if (got <= 0) break;
            have += static_cast<std::size_t>(got);
        }
        text.resize(have);
        return text;
    }

private:
    Descriptor kept_;
    Descriptor reading_;
};

std::string this_thread_name() {
    char name[64] = {};
    ::pthread_getname_np(::pthread_self(), name, sizeof name);
    return name;
}

std::string name_kept_of(const std::string& name) {
    std::string kept;
    std::thread([&] {
        asyncio::os::name_this_thread(name);
        kept = this_thread_name();
    }).join();
    return kept;
}

std::string told; // by the functions below, in order

void tell_before() { told += 'b'; }
void tell_parent() { told += 'p'; }
void tell_child() { told += 'c'; }

TEST("process and thread have the numbers that the system shows; user the effective one") {
    CHECK_EQ(asyncio::os::process_number(), static_cast<long>(::getpid()));
    CHECK_EQ(asyncio::os::thread_number(), asyncio::os::process_number()); // the first one
    long other = 0;
    std::thread([&] { other = asyncio::os::thread_number(); }).join();
    CHECK(other != asyncio::os::thread_number());
    CHECK_EQ(asyncio::os::effective_user(), ::geteuid());
}

TEST("a process exists until it was waited for; also one that nobody here may touch") {
    CHECK(asyncio::os::process_exists(::getpid()));
    CHECK(asyncio::os::process_exists(1));
    const pid_t child = ::fork();
    if (child == 0) ::_exit(0);
    ::waitpid(child, nullptr, 0);
    CHECK(!asyncio::os::process_exists(child));
}

} // namespace

TEST("write_to_stderr: a text larger than a pipe arrives whole") {
    const std::string text(300'000, 'x');
    std::string arrived;
    {
        CaughtStderr caught;
        std::thread reader([&] { arrived = caught.read(text.size()); });
        asyncio::os::write_to_stderr(text);
        reader.join();
    }
    CHECK(arrived == text);
}

TEST("write_to_stderr: returns where nobody reads") {
    bool returned = false;
    {
        const auto before = ::signal(SIGPIPE, SIG_IGN);
        CaughtStderr caught;
        caught.read_no_more();
        asyncio::os::write_to_stderr("lost");
        returned = true;
        ::signal(SIGPIPE, before);
    }
    CHECK(returned);
}

TEST("at_fork: each process hears of a fork once, and both of what comes before it") {
    asyncio::os::at_fork(&tell_before, &tell_parent, &tell_child);
    told.clear();
    const pid_t child = ::fork();
    if (child == 0) ::_exit(told == "bc" ? 0 : 1);
    int status = -1;
    CHECK_EQ(::waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    CHECK_EQ(told, "bp");
}

TEST("environment: names and values, also empty ones, and those with = in them") {
    ::setenv("PROCESS_TEST", "a=b", 1);
    ::setenv("PROCESS_TEST_EMPTY", "", 1);
    const auto variables = asyncio::os::environment();
    const auto has = [&](const char* name, const char* value) {
        return std::count(variables.begin(), variables.end(),
                          std::pair<std::string, std::string>(name, value)) == 1;
    };
    CHECK(has("PROCESS_TEST", "a=b"));
    CHECK(has("PROCESS_TEST_EMPTY", ""));
    CHECK(has("PATH", ::getenv("PATH")));
    ::unsetenv("PROCESS_TEST");
    ::unsetenv("PROCESS_TEST_EMPTY");
}

TEST("name_this_thread: keeps fifteen bytes of a name") {
    CHECK_EQ(name_kept_of("worker_1"), "worker_1");
    CHECK_EQ(name_kept_of("sixteen bytes..."), "sixteen bytes..");
}

TEST("process: it knows its number, and what it was called as") {
    CHECK_EQ(asyncio::os::process_id(), ::getpid());
    CHECK(asyncio::os::program_name().ends_with("test_os"));
}

TEST("process: a child that ends with its parent says if it has another one already") {
    const pid_t child = ::fork();
    if (child == 0) {
        const bool wrong = asyncio::os::end_with_parent(1'000'000'000);
        const bool right = asyncio::os::end_with_parent(::getppid());
        ::_exit(!wrong && right ? 0 : 1);
    }
    int status = 0;
    CHECK_EQ(::waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
