// SPDX-License-Identifier: MIT
// SubprocessTransport: what its protocol is told, and when; what becomes of it when a part fails.
#include "asyncio/base_subprocess.h"

#include "asyncio/asyncio.h"
#include "asyncio/base_events.h"
#include "asyncio/testing/system_call_faults.h"
#include "asyncio/testing/testing.h"
#include "os/descriptor.h"
#include "support/processes.h"
#include "support/reports.h"
#include "support/sweeps.h"
#include "support/system_calls.h"

#include <algorithm>
#include <cerrno>

using namespace asyncio;
using subprocess::PIPE;
using support::has_children;
using support::KeepSystemCalls;
using support::turns_go_by;
using testing::Call;
using testing::SystemCallFaults;
using Calls = std::vector<std::string>;

namespace {

ContextVar<std::string> whose("whose", std::string("nobody's"));

/// Notes what it is told.
class Listener : public SubprocessProtocol {
public:
    void connection_made(SubprocessTransport& to) override {
        note("made");
        transport = SubprocessRef(&to);
        context = whose.get();
    }
    void pipe_data_received(int fd, std::string_view data) override {
        note("data " + std::to_string(fd));
        received[static_cast<std::size_t>(fd)] += data;
        if (throws) throw ValueError("cannot be read");
    }
    void pipe_connection_lost(int fd, std::exception_ptr error) override {
        note("lost " + std::to_string(fd) + (error ? " " + message_of(error) : ""));
    }
    void process_exited() override {
        note("exited " + std::to_string(transport->get_returncode().value()));
        if (throws) throw ValueError("not now");
    }
    void connection_lost(std::exception_ptr error) override {
        note(error ? "lost with an error" : "lost");
        transport = SubprocessRef();
        lost.set();
    }
    void pause_writing() override { note("pause"); }
    void resume_writing() override { note("resume"); }

    bool was_told(const std::string& call) const { return position(call) < calls.size(); }
    std::size_t position(const std::string& call) const {
        return static_cast<std::size_t>(std::find(calls.begin(), calls.end(), call) -
                                        calls.begin());
    }

    Calls calls;
    std::array<std::string, 3> received;
    std::string context;
    SubprocessRef transport;
    Event lost;
    bool throws = false;

private:
    void note(std::string call) { // data, once a run of it
        if (calls.empty() || calls.back() != call) calls.push_back(std::move(call));
    }
};

/// With all its streams piped.
Coro<std::shared_ptr<Listener>> listen_to(std::string command) {
    auto factory = [] { return std::make_shared<Listener>(); };
    auto started = co_await testing::loop().subprocess_shell(factory, std::move(command));
    co_return started.protocol;
}

} // namespace

// ---- what it is told ----------------------------------------------------------------------------

CO_TEST(
    "SEM-PRC-15: data before the loss of its pipe; the exit anywhere; connection_lost at last") {
    const auto listener = co_await listen_to("echo out; echo err >&2; exit 4");
    CHECK(listener->was_told("made"));
    co_await listener->lost.wait();
    CHECK_EQ(listener->received[1], "out\n");
    CHECK_EQ(listener->received[2], "err\n");
    CHECK(listener->position("data 1") < listener->position("lost 1"));
    CHECK(listener->position("data 2") < listener->position("lost 2"));
    CHECK(listener->was_told("lost 0"));
    CHECK(listener->was_told("exited 4"));
    CHECK_EQ(listener->calls.size(), 8U); // each once
    CHECK_EQ(listener->calls.front(), "made");
    CHECK_EQ(listener->calls.back(), "lost");
}

CO_TEST("subprocess_exec: pipes unless something else is said, and words as they are") {
    const auto listener = std::make_shared<Listener>();
    auto factory = [listener] { return listener; };
    auto options = ProcessOptions().stdin_(subprocess::DEVNULL).stderr_(Redirection());
    const auto started =
        co_await testing::loop().subprocess_exec(factory, "printf", "%s %s", "a b", "$c", options);
    CHECK(started.protocol == listener);
    SubprocessTransport& transport = *started.transport;
    CHECK(transport.get_pid() > 0);
    CHECK(transport.get_protocol() == listener);
    CHECK(transport.get_pipe_transport(0) == nullptr);
    CHECK(transport.get_pipe_transport(1) != nullptr);
    CHECK(transport.get_pipe_transport(2) == nullptr);
    CHECK(transport.get_pipe_transport(3) == nullptr);
    CHECK(transport.get_pipe_transport(-1) == nullptr);
    co_await listener->lost.wait();
    CHECK_EQ(listener->received[1], "a b $c");
    CHECK_EQ(transport.get_returncode().value(), 0);
    CHECK(transport.get_protocol() == nullptr);
}

CO_TEST("SEM-TRN-20: the fact 'subprocess' is the pidfd, until the process has ended") {
    const auto listener = co_await listen_to("read line");
    const SubprocessRef transport = listener->transport;
    CHECK(transport->get_extra_info(extra::subprocess).value() > 2);
    CHECK(!transport->get_extra_info(extra::pipe));
    const std::string text = transport->text();
    CHECK_EQ(text.find("<SubprocessTransport pid=" + std::to_string(transport->get_pid()) +
                       " running stdin=<WritePipeTransport"),
             0U);
    transport->get_pipe_transport(0)->close();
    co_await listener->lost.wait();
    CHECK_EQ(transport->get_extra_info(extra::subprocess).value(), -1);
    CHECK(transport->text().find(" returncode=1") != std::string::npos);
}

CO_TEST("the protocol is asked to pause while the input is full, and told to go on") {
    const auto listener = co_await listen_to("read line; cat >/dev/null");
    Transport& input = *listener->transport->get_pipe_transport(0);
    input.write(std::string(1 << 20, 'x'));
    CHECK(listener->was_told("pause"));
    CHECK(!listener->was_told("resume"));
    input.write("\n");
    while (!listener->was_told("resume")) co_await yield_now();
    input.close();
    co_await listener->lost.wait();
}

CO_TEST("all calls are made in the context of who has started the process") {
    whose.set("the starter's");
    auto factory = [] { return std::make_shared<Listener>(); };
    auto starting = testing::loop().subprocess_shell(factory, "true");
    whose.set("another's");
    const auto started = co_await std::move(starting);
    CHECK_EQ(started.protocol->context, "another's"); // it began when it was awaited
    co_await started.protocol->lost.wait();
}

CO_TEST("set_protocol: another one is told what happens from then on") {
    const auto first = co_await listen_to("read line; echo line");
    const SubprocessRef transport = first->transport;
    const auto second = std::make_shared<Listener>();
    second->transport = transport;
    CHECK_THROWS_AS(transport->set_protocol(nullptr), TypeError);
    transport->set_protocol(second);
    transport->get_pipe_transport(0)->write("x\n");
    co_await second->lost.wait();
    CHECK_EQ(first->calls, Calls{"made"});
    CHECK_EQ(second->received[1], "line\n");
    first->transport = SubprocessRef();
}

CO_TEST("what a protocol throws is reported; of data it ends the pipe") {
    support::Reports reports;
    const auto listener = co_await listen_to("echo line; read line");
    listener->throws = true;
    while (!listener->was_told("lost 1 cannot be read")) co_await yield_now();
    listener->transport->get_pipe_transport(0)->close();
    co_await listener->lost.wait();
    CHECK_EQ(reports.lines(),
             (Calls{"Fatal error: protocol.data_received() call failed.: cannot be read",
                    "Exception in callback process_exited(): not now"}));
}

// ---- closing ------------------------------------------------------------------------------------

CO_TEST("SEM-PRC-14: close() kills a process that runs, and closes its pipes") {
    const auto listener = co_await listen_to("exec sleep 1000");
    const SubprocessRef transport = listener->transport;
    CHECK(!transport->is_closing());
    transport->close();
    transport->close();
    CHECK(transport->is_closing());
    CHECK_EQ(co_await transport->wait(), -SIGKILL);
    co_await listener->lost.wait();
    transport->close();
}

CO_TEST("SEM-PRC-14: close() leaves the code of a process that is dead, and not told of") {
    const auto listener = co_await listen_to("read line; exit 6");
    const SubprocessRef transport = listener->transport;
    transport->get_pipe_transport(0)->write("\n"); // it ends, and no turn of the loop goes by
    support::wait_for_zombie(transport->get_pid());
    transport->close();
    CHECK_EQ(co_await transport->wait(), 6);
    co_await listener->lost.wait();
}

CO_TEST("in debug mode a start, an exit and a kill are logged") {
    testing::loop().set_debug(true);
    const auto listener = co_await listen_to("exec sleep 1000");
    const std::string pid = std::to_string(listener->transport->get_pid());
    listener->transport->close();
    co_await listener->lost.wait();
    testing::loop().set_debug(false);
    std::string log;
    for (const auto& record : testing::take_logs()) log += record.text + '\n';
    CHECK(log.find("process '/bin/sh' created: pid " + pid) != std::string::npos);
    CHECK(log.find("Close running child process: kill <SubprocessTransport closed pid=" + pid) !=
          std::string::npos);
    CHECK(log.find("exited with return code -9") != std::string::npos);
}

TEST("FLT-PROC-04: a loop that closes in the turn of the start leaves no process") {
    const std::size_t descriptors = os::open_descriptors_count();
    {
        const auto loop = new_event_loop();
        auto starting = [](EventLoop* of) -> Coro<> {
            auto factory = [] { return std::make_shared<Listener>(); };
            co_await of->subprocess_exec(factory, "sleep", "1000");
        };
        const auto task = loop->create_task(starting(loop.get()));
        loop->call_soon([loop = loop.get()] { loop->stop(); });
        loop->run_forever();
        CHECK(has_children());
    }
    testing::take_logs(); // the task was pending
    CHECK(!has_children());
    CHECK_EQ(os::open_descriptors_count(), descriptors);
}

// ---- what does not begin ------------------------------------------------------------------------

CO_TEST("subprocess_exec: a factory that fails, or gives nothing, starts nothing") {
    EventLoop& loop = testing::loop();
    auto failing = []() -> std::shared_ptr<Listener> { throw ValueError("no"); };
    CHECK_THROWS_MSG(co_await loop.subprocess_exec(failing, "sleep", "1000"), ValueError, "no");
    auto nothing = []() -> std::shared_ptr<Listener> { return nullptr; };
    CHECK_THROWS_AS(co_await loop.subprocess_exec(nothing, "sleep", "1000"), TypeError);
    CHECK(!has_children());
}

CO_TEST("FLT-PROC-01: a kernel that makes no process is an error, and the protocol not told") {
    const std::size_t descriptors = os::open_descriptors_count();
    const auto listener = std::make_shared<Listener>();
    auto factory = [listener] { return listener; };
    static int error;
    for (const int each : {EAGAIN, ENOMEM, EMFILE}) {
        const KeepSystemCalls keep;
        error = each;
        os::system_calls.clone = [](int (*)(void*), void*, int, void*, int*) {
            errno = error;
            return -1;
        };
        CHECK_THROWS_MSG(co_await testing::loop().subprocess_exec(factory, "true"), OSError,
                         "'true' (clone)");
        CHECK_EQ(os::open_descriptors_count(), descriptors);
    }
    CHECK_EQ(listener->calls, Calls{});
}

CO_TEST("FLT-PROC-04: a process that cannot be watched is killed and reaped before the error") {
    const std::size_t descriptors = os::open_descriptors_count();
    const auto listener = std::make_shared<Listener>();
    auto factory = [listener] { return listener; };
    {
        SystemCallFaults faults;
        faults.at(Call::epoll_ctl, ENOSPC, 0);
        CHECK_THROWS_MSG(co_await testing::loop().subprocess_exec(factory, "sleep", "1000"),
                         OSError, "No space left");
        CHECK(!has_children());
        co_await turns_go_by(3);
    }
    CHECK_EQ(os::open_descriptors_count(), descriptors);
    CHECK_EQ(listener->calls, Calls{});
}
