// SPDX-License-Identifier: MIT
// One worker, without a pool: its messages, and all the ways in which it can end.
#include "multiprocessing/worker_process.h"

#include "asyncio/testing/testing.h"
#include "multiprocessing/worker_pool.h"
#include "os/descriptor.h"
#include "support/held_workers.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

using namespace multiprocessing;

namespace {

namespace os = asyncio::os;

int twice(int number) { return 2 * number; }
void leave(int code) { ::_exit(code); }
/// Gives up the connection and lives on.
void hang_up() {
    for (int fd = 3; fd < 64; ++fd) ::close(fd);
    for (;;) ::pause();
}
/// Ends, and leaves a process behind that still has the connection; its pid is in a file.
void leave_a_child(const std::string& file) {
    const pid_t child = ::fork();
    while (child == 0) ::pause();
    std::ofstream(file) << child;
    std::quick_exit(7);
}
void begin_badly() { throw asyncio::ValueError("bad begin"); }

const Registration functions[] = {
    {"worker.twice", twice},
    {"worker.leave", leave},
    {"worker.hang_up", hang_up},
    {"worker.leave_a_child", leave_a_child},
    {"worker.begin_badly", begin_badly},
};

template <class R, class... P, class... Args>
std::string request(R (*function)(P...), const Args&... args) {
    Packer call;
    pack_call<P...>(call, args...);
    return detail::request_for(reinterpret_cast<void (*)()>(function), std::move(call).take());
}

/// A worker that has said that it is ready.
WorkerProcess ready_worker() {
    WorkerProcess worker("");
    const auto first = worker.receive();
    CHECK(first && first->kind == FrameKind::ready);
    return worker;
}

/// Asks a worker for something that it will not answer.  Returns how it ended.
os::ExitStatus lose(WorkerProcess& worker, const std::string& call) {
    CHECK(worker.send(FrameKind::call, call));
    CHECK(!worker.receive());
    return worker.end_of_lost();
}

} // namespace

TEST("MP01: a worker says that it is ready, replies to each call, and ends when it is told") {
    WorkerProcess worker = ready_worker();
    for (const int number : {1, 20, 300}) {
        CHECK(worker.send(FrameKind::call, request(twice, number)));
        const auto reply = worker.receive();
        CHECK(reply && reply->kind == FrameKind::reply);
        CHECK_EQ(unpack_batch<int>(reply->payload).results.at(0), 2 * number);
    }
    const int pid = worker.pid();
    worker.finish();
    CHECK(!support::is_alive(pid));
}

TEST("MP01: a worker whose initializer throws says so, and ends") {
    WorkerProcess worker(request(begin_badly));
    const auto first = worker.receive();
    CHECK(first && first->kind == FrameKind::failed);
    CHECK_EQ(asyncio::repr(unpack_exception(first->payload)), "ValueError('bad begin')");
    CHECK_EQ(worker.end_of_lost().returncode, 1);
}

TEST("MP01: a worker that ends in a call has taken all of it") {
    WorkerProcess worker = ready_worker();
    const os::ExitStatus status = lose(worker, request(leave, 7));
    CHECK_EQ(status.returncode, 7);
    CHECK(worker.has_taken_all());
}

TEST("MP01: a worker that ends before it reads has not taken the call") {
    WorkerProcess stopped = ready_worker();
    stopped.signal(SIGSTOP); // so that it does not read
    CHECK(stopped.send(FrameKind::call, request(twice, 1)));
    stopped.signal(SIGKILL);
    CHECK(!stopped.receive());
    CHECK(!stopped.has_taken_all());
    CHECK_EQ(stopped.end_of_lost().returncode, -SIGKILL);
    WorkerProcess gone = ready_worker();
    gone.signal(SIGKILL);
    CHECK(!gone.receive());
    CHECK(!gone.send(FrameKind::call, request(twice, 1)));
    CHECK(!gone.has_taken_all());
    CHECK_EQ(gone.end_of_lost().returncode, -SIGKILL);
}

TEST("MP01: a worker that is killed while a large call is on its way has not taken it") {
    WorkerProcess worker = ready_worker();
    worker.signal(SIGSTOP);
    std::thread killer([&worker] {
        support::take_time(std::chrono::milliseconds(20));
        worker.signal(SIGKILL);
    });
    CHECK(!worker.send(FrameKind::call, std::string(16U << 20U, 'x')));
    killer.join();
    CHECK(!worker.has_taken_all());
    worker.end_of_lost();
}

TEST("MP01: a worker that has given up its connection is ended") {
    WorkerProcess worker = ready_worker();
    CHECK_EQ(lose(worker, request(hang_up)).returncode, -SIGKILL);
    CHECK(worker.has_taken_all());
}

TEST("MP01: the end of a worker is seen though a child of its own keeps the connection") {
    const support::Scratch scratch;
    WorkerProcess worker = ready_worker();
    CHECK_EQ(lose(worker, request(leave_a_child, scratch.path("pid"))).returncode, 7);
    ::kill(std::stoi(scratch.get("pid")), SIGKILL);
}

TEST("MP01: a status that somebody else has taken is said to be unknown") {
    WorkerProcess worker = ready_worker();
    worker.signal(SIGKILL);
    CHECK(!worker.receive());
    int status = 0;
    CHECK_EQ(::waitpid(worker.pid(), &status, 0), worker.pid());
    const os::ExitStatus ended = worker.end_of_lost();
    CHECK(!ended.is_known);
    CHECK_EQ(to_string(ended), "an unknown exit code");
}

TEST("MP01: how a worker has ended is said in words") {
    CHECK_EQ(to_string(os::ExitStatus{3}), "exit code 3");
    CHECK_EQ(to_string(os::ExitStatus{-SIGSEGV}), "signal 11 (SIGSEGV)");
}

TEST("MP01: no worker is no process: it has no pid, and signals and its end do nothing") {
    WorkerProcess none;
    CHECK_EQ(none.pid(), 0);
    none.signal(SIGKILL);
    none.finish();
}
