// SPDX-License-Identifier: MIT
// What may be asked of a process, and how it reaches the system.
#include "asyncio/process_options.h"

#include "asyncio/exceptions.h"

#include "asyncio/testing/testing.h"

#include <cstdlib>

using namespace asyncio;

namespace {

os::SpawnRequest request_of(const ProcessOptions& options) { return options.request({"program"}); }

} // namespace

TEST("ProcessOptions: a stream that was not named leads where the caller says") {
    const ProcessOptions options = ProcessOptions().stdout_(subprocess::DEVNULL).stderr_(7);
    CHECK(options.stream(0, subprocess::PIPE) == subprocess::PIPE);
    CHECK(options.stream(1, subprocess::PIPE) == subprocess::DEVNULL);
    CHECK(options.stream(2, subprocess::PIPE) == Redirection(7));
    CHECK(ProcessOptions().stdin_(Redirection()).stream(0, subprocess::PIPE) == Redirection());
}

TEST("ProcessOptions: what was set is what the system is asked for") {
    const std::map<std::string, std::string> variables{{"A", "1"}, {"B", ""}};
    const auto request = request_of(ProcessOptions()
                                        .cwd("/folder")
                                        .env(variables)
                                        .executable("/bin/other")
                                        .pass_fds({5, 3})
                                        .close_fds(false)
                                        .restore_signals(false)
                                        .start_new_session(true)
                                        .process_group(0)
                                        .umask(077));
    CHECK_EQ(request.arguments, std::vector<std::string>{"program"});
    CHECK_EQ(request.cwd, "/folder");
    CHECK(request.env.value() ==
          (std::vector<std::pair<std::string, std::string>>{{"A", "1"}, {"B", ""}}));
    CHECK_EQ(request.executable, "/bin/other");
    CHECK_EQ(request.pass_fds, (std::vector<int>{5, 3}));
    CHECK(!request.close_fds && !request.restore_signals && request.start_new_session);
    CHECK_EQ(request.process_group.value(), 0);
    CHECK_EQ(request.umask.value(), mode_t{077});
    const auto plain = request_of(ProcessOptions());
    CHECK(plain.close_fds && plain.restore_signals && !plain.start_new_session && !plain.env);
    CHECK(!plain.user && !plain.group && !plain.extra_groups && !plain.umask);
}

TEST("ProcessOptions: users and groups by number or by name, and nobody by mistake") {
    const auto request =
        request_of(ProcessOptions().user("root").group(12).extra_groups({"root", 34}));
    CHECK_EQ(request.user.value(), uid_t{0});
    CHECK_EQ(request.group.value(), gid_t{12});
    CHECK_EQ(request.extra_groups.value(), (std::vector<gid_t>{0, 34}));
    CHECK_EQ(request_of(ProcessOptions().extra_groups({})).extra_groups.value().size(), 0U);
    CHECK_THROWS_MSG(request_of(ProcessOptions().user("no such user")), KeyError,
                     "User not found: 'no such user'");
    CHECK_THROWS_MSG(request_of(ProcessOptions().group("")), KeyError, "Group not found: ''");
    CHECK_THROWS_MSG(request_of(ProcessOptions().user(-1)), ValueError, "cannot be negative");
    CHECK_THROWS_MSG(request_of(ProcessOptions().group(std::int64_t{1} << 40)), ValueError,
                     "too large");
}

TEST("FLT-PROC-02: a NUL in a text, and a = in a variable's name, are a ValueError") {
    const std::string nul("a\0b", 3);
    using Variables = std::map<std::string, std::string>;
    CHECK_THROWS_MSG(ProcessOptions().request({"program", nul}), ValueError, "embedded null byte");
    CHECK_THROWS_AS(request_of(ProcessOptions().cwd(nul)), ValueError);
    CHECK_THROWS_AS(request_of(ProcessOptions().executable(nul)), ValueError);
    CHECK_THROWS_AS(request_of(ProcessOptions().user(nul)), ValueError);
    CHECK_THROWS_AS(request_of(ProcessOptions().env(Variables{{"A", nul}})), ValueError);
    CHECK_THROWS_AS(request_of(ProcessOptions().env(Variables{{nul, "x"}})), ValueError);
    CHECK_THROWS_MSG(request_of(ProcessOptions().env(Variables{{"A=B", "x"}})), ValueError,
                     "illegal environment variable name");
    CHECK_THROWS_AS(request_of(ProcessOptions().process_group(-5)), ValueError);
    CHECK_THROWS_AS(request_of(ProcessOptions().pass_fds({-1})), ValueError);
    CHECK_THROWS_AS(ProcessOptions().request({}), ValueError);
}

TEST("subprocess::environment: ours, to be changed") {
    ::setenv("PROCESS_OPTIONS_TEST", "a=b", 1);
    CHECK_EQ(subprocess::environment().at("PROCESS_OPTIONS_TEST"), "a=b");
    ::unsetenv("PROCESS_OPTIONS_TEST");
    CHECK_EQ(subprocess::environment().count("PROCESS_OPTIONS_TEST"), 0U);
}
