// SPDX-License-Identifier: MIT
// Other people's programs beside a test: real peers.
#pragma once

#include "asyncio/testing/checks.h"
#include "os/descriptor.h"

#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <spawn.h>
#include <string>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

extern char** environ;

namespace support {

/// A program that runs; its output can be read. Ended when this goes.
class Program {
public:
    /// words   its name and its arguments
    explicit Program(std::vector<std::string> words) {
        int fds[2];
        REQUIRE(::pipe2(fds, O_CLOEXEC) == 0);
        output_ = asyncio::os::Descriptor(fds[0]);
        const asyncio::os::Descriptor write_end(fds[1]);
        posix_spawn_file_actions_t actions;
        ::posix_spawn_file_actions_init(&actions);
        ::posix_spawn_file_actions_adddup2(&actions, write_end.get(), STDOUT_FILENO);
        std::vector<char*> arguments;
        for (std::string& word : words) arguments.push_back(word.data());
        arguments.push_back(nullptr);
        const int failed =
            ::posix_spawnp(&child_, arguments[0], &actions, nullptr, arguments.data(), environ);
        ::posix_spawn_file_actions_destroy(&actions);
        REQUIRE(failed == 0);
    }
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;
    ~Program() {
        if (child_ > 0) end();
    }

    /// What it prints.
    int output() const noexcept { return output_.get(); }
    /// Its next line, without the LF; blocks.
    std::string line() const {
        std::string text;
        char byte = 0;
        while (::read(output_.get(), &byte, 1) == 1 && byte != '\n') text += byte;
        return text;
    }
    /// What it has printed since; blocks while there is nothing.
    std::string some() const {
        char block[4096];
        const ssize_t got = ::read(output_.get(), block, sizeof block);
        return {block, got > 0 ? static_cast<std::size_t>(got) : 0};
    }
    /// Ends it.
    void end() {
        ::kill(child_, SIGKILL);
        while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
        }
        child_ = -1;
    }

private:
    asyncio::os::Descriptor output_;
    pid_t child_ = -1;
};

/// The words that run a script in Python.
inline std::vector<std::string> python(std::string script, std::string argument = "") {
    return {"python3", "-c", std::move(script), std::move(argument)};
}

} // namespace support
