// SPDX-License-Identifier: MIT
// A python3 beside this process: its output is awaited like any other descriptor.
#include "programs/atour/python.h"

#include "os/descriptor.h"
#include "os/errors.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

namespace atour {

using namespace terminal;

using namespace std::chrono_literals;

namespace {

constexpr auto time_limit = 30s;

// Part 1 of the tour, and the same figures in the same order.
constexpr const char* program = R"(
import asyncio, platform, time

def kilobytes(key):
    with open('/proc/self/status') as status:
        return next(int(line.split()[1]) for line in status if line.startswith(key))

async def wait_a_second():
    await asyncio.sleep(1)

async def main():
    wall, processor = time.perf_counter(), time.process_time()
    before = kilobytes('VmRSS:')
    tasks = [asyncio.create_task(wait_a_second()) for _ in range(10000)]
    await asyncio.sleep(0.5)
    during = kilobytes('VmRSS:')
    await asyncio.gather(*tasks)
    print(platform.python_version(), time.perf_counter() - wall, time.process_time() - processor,
          (during - before) * 1024, kilobytes('VmHWM:') * 1024)

asyncio.run(main())
)";
static_assert(waits_count == 10'000, "the Python program says so too");

/// A process whose output can be read; at the latest the destructor ends it.
class Child {
public:
    /// Throws    FileNotFoundError: there is no such program. OSError: it cannot be started.
    explicit Child(const std::array<const char*, 4>& command) {
        std::array<int, 2> pipe{};
        if (::pipe2(pipe.data(), O_CLOEXEC) != 0) asyncio::os::throw_os_error(errno, "pipe2");
        output_ = asyncio::os::Descriptor(pipe[0]);
        const asyncio::os::Descriptor theirs(pipe[1]);
        ::fcntl(output_.get(), F_SETFL, O_NONBLOCK);
        spawn(command, theirs.get());
    }
    Child(const Child&) = delete; // it ends once
    Child& operator=(const Child&) = delete;
    ~Child() {
        ::kill(id_, SIGKILL); // harmless if it has ended
        while (::waitpid(id_, nullptr, 0) < 0 && errno == EINTR) {
        }
    }

    int output() const noexcept { return output_.get(); }

private:
    // It gets a process group of its own: Ctrl-C is for the tour alone, which then ends it.
    void spawn(const std::array<const char*, 4>& command, int output) {
        posix_spawn_file_actions_t files;
        posix_spawnattr_t attributes;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawnattr_init(&attributes);
        ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
        ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        const int errnum = ::posix_spawnp(&id_, command[0], &files, &attributes,
                                          const_cast<char* const*>(command.data()), environ);
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&attributes);
        if (errnum != 0) asyncio::os::throw_os_error(errnum, "posix_spawnp", command[0]);
    }

    pid_t id_ = -1;
    asyncio::os::Descriptor output_;
};

asyncio::Coro<std::string> read_to_end(int descriptor) {
    std::string text;
    std::array<char, 4096> piece;
    for (;;) {
        const ssize_t got = ::read(descriptor, piece.data(), piece.size());
        if (got > 0) {
            text.append(piece.data(), static_cast<std::size_t>(got));
        } else if (got == 0) {
            co_return text;
        } else if (errno == EAGAIN) {
            co_await asyncio::get_running_loop().readable(descriptor);
        } else if (errno != EINTR) {
            asyncio::os::throw_os_error(errno, "read", "the output of python3");
        }
    }
}

PythonWaits read_figures(const std::string& output) {
    PythonWaits waits;
    std::istringstream words(output);
    words >> waits.version >> waits.cost.wall_seconds >> waits.cost.processor_seconds >>
        waits.cost.task_bytes >> waits.cost.peak_bytes;
    if (!words) waits.skipped = "python3 could not run the program";
    return waits;
}

} // namespace

asyncio::Coro<PythonWaits> wait_in_python() {
    PythonWaits waits;
    try {
        const Child python({"python3", "-c", program, nullptr});
        waits = read_figures(co_await asyncio::timeout(time_limit, read_to_end(python.output())));
    } catch (const asyncio::FileNotFoundError&) {
        waits.skipped = "there is no python3 on this machine";
    } catch (const asyncio::TimeoutError&) {
        waits.skipped = "python3 took too long";
    } catch (const asyncio::OSError& error) {
        waits.skipped = std::string("python3 could not be run: ") + error.what();
    }
    co_return waits;
}

} // namespace atour
