// SPDX-License-Identifier: MIT
// The worker's side: how it is told apart, how it begins, and what it does until the end.
#include "multiprocessing/freeze_support.h"

#include "multiprocessing/frames.h"
#include "multiprocessing/registry.h"
#include "os/process.h"
#include "os/sockets.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string_view>
#include <vector>

namespace multiprocessing {

namespace {

namespace os = asyncio::os;

std::atomic<bool> supported{false};

/// Who a worker is for: "--multiprocessing-fork", "parent_pid=123", "pipe_handle=7".
struct Origin {
    int parent_pid = 0;
    int connection = -1;
};

std::vector<std::string> command_line() {
    std::ifstream file("/proc/self/cmdline", std::ios::binary);
    const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    std::vector<std::string> words;
    for (std::size_t begin = 0; begin < text.size();) {
        const std::size_t end = std::min(text.find('\0', begin), text.size());
        words.push_back(text.substr(begin, end - begin));
        begin = end + 1;
    }
    return words;
}

std::optional<int> number_in(std::string_view word, std::string_view name) noexcept {
    if (!word.starts_with(name)) return std::nullopt;
    word.remove_prefix(name.size());
    int number = 0;
    const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
    if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
    return number;
}

std::optional<Origin> origin_of_this_process() {
    const std::vector<std::string> words = command_line();
    if (words.size() != 4 || words[1] != worker_mark) return std::nullopt;
    const auto parent = number_in(words[2], "parent_pid=");
    const auto connection = number_in(words[3], "pipe_handle=");
    if (!parent || !connection) return std::nullopt;
    return Origin{*parent, *connection};
}

/// The worker's end: it waits in each call.
class Connection {
public:
    explicit Connection(int fd) : socket_(os::Descriptor(fd)) {
        os::close_on_exec(fd); // the programs that functions start have no business with it
        socket_.setblocking(true);
    }

    /// The next message; nothing: the pool has gone.
    std::optional<Frame> receive() {
        for (;;) {
            if (auto frame = reader_.next()) return frame;
            const std::span<char> room = reader_.room();
            const ssize_t got = os::receive(socket_.fileno(), room.data(), room.size());
            if (got <= 0) return std::nullopt;
            reader_.took(static_cast<std::size_t>(got));
        }
    }

    /// False: the pool has gone.
    bool send(FrameKind kind, std::string_view payload) {
        const auto header = frame_header(kind, payload.size());
        return send_all({header.data(), header.size()}) && send_all(payload);
    }

private:
    bool send_all(std::string_view bytes) {
        while (!bytes.empty()) {
            const ssize_t sent = os::send(socket_.fileno(), bytes.data(), bytes.size());
            if (sent < 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    os::Socket socket_;
    FrameReader reader_;
};

/// Runs what a `call` or `start` asks for. Gives the reply.
std::string run_request(std::string_view payload) {
    Unpacker from(payload);
    const auto name = from.take<std::string>();
    return run_registered(name, payload.substr(payload.size() - from.left()));
}

/// Runs the initializer, if there is one. False: it has thrown, and the pool knows.
bool begin_work(Connection& connection, const Frame& start) {
    if (!start.payload.empty()) {
        const Batch<void> result = unpack_batch<void>(run_request(start.payload));
        if (result.error) {
            connection.send(FrameKind::failed, pack_exception(result.error));
            return false;
        }
    }
    return connection.send(FrameKind::ready, {});
}

int work(const Origin& origin) {
    // A parent that died before this call is nobody's to hear of any more.
    if (!os::end_with_parent(origin.parent_pid)) return EXIT_FAILURE;
    Connection connection(origin.connection);
    auto frame = connection.receive();
    if (!frame || frame->kind != FrameKind::start) return EXIT_FAILURE;
    if (!begin_work(connection, *frame)) return EXIT_FAILURE;
    for (frame.reset(); (frame = connection.receive()) && frame->kind == FrameKind::call;) {
        const std::string reply = run_request(frame->payload);
        frame.reset(); // the arguments are not kept while the reply travels
        if (!connection.send(FrameKind::reply, reply)) break;
    }
    return EXIT_SUCCESS;
}

} // namespace

void freeze_support() {
    check_names();
    supported.store(true, std::memory_order_relaxed);
    const std::optional<Origin> origin = origin_of_this_process();
    // exit() and not _Exit(): what the functions have left in buffers is to be written.
    if (origin) std::exit(work(*origin)); // tidy: print: a worker ends here, it has no main()
}

void require_freeze_support() {
    if (supported.load(std::memory_order_relaxed)) return;
    throw asyncio::RuntimeError(
        "a pool of processes needs multiprocessing::freeze_support() at the beginning of main(): "
        "its workers are this program again, and would run main() as well");
}

} // namespace multiprocessing
