// SPDX-License-Identifier: MIT
// Files to sockets and transports: by the kernel, or by reading and writing.
#include "asyncio/sendfile.h"

#include "asyncio/base_events.h"
#include "asyncio/locks.h"
#include "asyncio/selector_transports.h"
#include "asyncio/threads.h"
#include "os/sockets.h"

#include <algorithm>
#include <limits>
#include <memory>

namespace asyncio::detail {

namespace {

// LIFETIME: for all that is here: `loop` runs it; the caller keeps `socket` and `file` until the
// await has ended, as it is said at the declarations. A transport is kept.

constexpr std::size_t block_bytes = 64 * 1024; // of reading and writing
constexpr std::size_t kernel_bytes_max = std::size_t{1}
                                         << 30; // of one call, so that it can be cancelled

void check_options(const SendfileOptions& options) {
    if (options.count() && *options.count() <= 0) {
        throw ValueError("count must be a positive integer (got " +
                         std::to_string(*options.count()) + ")");
    }
    if (options.offset() < 0) {
        throw ValueError("offset must be a non-negative integer (got " +
                         std::to_string(options.offset()) + ")");
    }
}

/// How far a file was sent. At the end, whichever, the file's position is there.
class Progress {
public:
    Progress(int file, const SendfileOptions& options)
        : file_(file), offset_(options.offset()),
          left_(options.count().value_or(std::numeric_limits<std::int64_t>::max())) {}
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress() {
        if (sent_ > 0) os::set_position(file_, position());
    }

    int file() const noexcept { return file_; }
    off_t position() const noexcept { return offset_ + sent_; }
    std::size_t next(std::size_t most) const noexcept {
        return std::min(most, static_cast<std::size_t>(left_));
    }
    void add(std::size_t bytes) noexcept {
        sent_ += static_cast<std::int64_t>(bytes);
        left_ -= static_cast<std::int64_t>(bytes);
    }
    std::uint64_t sent() const noexcept { return static_cast<std::uint64_t>(sent_); }

private:
    int file_;
    std::int64_t offset_;
    std::int64_t left_;
    std::int64_t sent_ = 0;
};

void check_regular(int file) {
    if (!os::regular_file_size(file)) throw SendfileNotAvailableError("not a regular file");
}

// One call of the kernel. Returns the bytes; 0: the end of the file; nothing: it has to wait.
std::optional<std::size_t> send_some(int socket, Progress& progress) {
    const std::size_t most = progress.next(kernel_bytes_max);
    if (most == 0) return 0;
    const ssize_t sent = os::send_file(socket, progress.file(), progress.position(), most);
    if (sent == -EAGAIN) return std::nullopt;
    if (sent >= 0) {
        progress.add(static_cast<std::size_t>(sent));
        return static_cast<std::size_t>(sent);
    }
    const std::exception_ptr error = os::os_error(static_cast<int>(-sent), "sendfile");
    if (progress.sent() == 0 && !is_exception<ConnectionError>(error)) {
        throw SendfileNotAvailableError("sendfile call failed: " + message_of(error));
    }
    std::rethrow_exception(error);
}

/// Reads a file block by block, on threads. A read that nobody waits for any more may still be
/// under way when its file is closed: so it has a descriptor of its own.
class BlockReader {
public:
    explicit BlockReader(int file)
        : file_(std::make_shared<const os::Descriptor>(os::duplicate(file))) {}

    /// The next one. Empty: the end of the file.
    Future<std::string> next(EventLoop& loop, const Progress& progress) const {
        return loop.run_in_executor(nullptr, &read, file_, progress.position(),
                                    progress.next(block_bytes));
    }

private:
    static std::string read(const std::shared_ptr<const os::Descriptor>& file, off_t position,
                            std::size_t most) {
        std::string block(most, '\0');
        const ssize_t got = os::read_at(file->get(), block.data(), most, position);
        if (got < 0) os::throw_os_error(static_cast<int>(-got), "read");
        block.resize(static_cast<std::size_t>(got));
        return block;
    }

    std::shared_ptr<const os::Descriptor> file_;
};

// ---- over a socket ------------------------------------------------------------------------------

Coro<std::uint64_t> send_by_kernel(EventLoop* loop, const os::Socket* socket, int file,
                                   SendfileOptions options) {
    check_regular(file);
    Progress progress(file, options);
    for (;;) {
        const std::optional<std::size_t> sent = send_some(socket->fileno(), progress);
        if (!sent) {
            co_await loop->writable(socket->fileno());
        } else if (*sent == 0) {
            co_return progress.sent();
        }
    }
}

Coro<std::uint64_t> send_by_hand(EventLoop* loop, const os::Socket* socket, int file,
                                 SendfileOptions options) {
    Progress progress(file, options);
    const BlockReader blocks(file);
    while (progress.next(1) != 0) {
        std::string block = co_await blocks.next(*loop, progress);
        if (block.empty()) break;
        const std::size_t bytes = block.size();
        co_await loop->sock_sendall(*socket, std::move(block));
        progress.add(bytes);
    }
    co_return progress.sent();
}

Coro<std::uint64_t> sock_sendfile(EventLoop* loop, const os::Socket* socket, int file,
                                  SendfileOptions options) {
    if (loop->get_debug() && socket->getblocking()) {
        throw ValueError("the socket must be non-blocking");
    }
    if (socket->type() != SOCK_STREAM) {
        throw ValueError("only SOCK_STREAM type sockets are supported");
    }
    check_options(options);
    Outcome<std::uint64_t> end = co_await outcome(send_by_kernel(loop, socket, file, options));
    const bool by_hand =
        options.fallback() && is_exception<SendfileNotAvailableError>(end.exception());
    if (!by_hand) co_return std::move(end).value();
    co_return co_await send_by_hand(loop, socket, file, options);
}

// ---- over a transport ---------------------------------------------------------------------------

/// A transport that only sends a file for a while: it does not read, and takes no other writes.
class KernelSender {
public:
    explicit KernelSender(SelectorSocketTransport& transport)
        : keep_(transport), transport_(transport), was_reading_(transport.is_reading()) {
        transport_.reserve_writing();
        transport_.pause_reading();
    }
    KernelSender(const KernelSender&) = delete;
    KernelSender& operator=(const KernelSender&) = delete;
    ~KernelSender() {
        transport_.release_writing();
        if (was_reading_) transport_.resume_reading();
    }
    SelectorSocketTransport& transport() const noexcept { return transport_; }

private:
    TransportRef keep_;
    SelectorSocketTransport& transport_;
    bool was_reading_;
};

std::optional<std::size_t> send_some(SelectorSocketTransport& transport, Progress& progress) {
    if (transport.is_closing()) throw ConnectionError("Connection is closed by peer");
    try {
        return send_some(transport.fileno(), progress);
    } catch (const OSError&) { // the connection is in the middle of something
        transport.fail(std::current_exception(), "Fatal error: sendfile failed");
        throw;
    }
}

Coro<std::uint64_t> send_by_kernel(TransportRef transport, int file, SendfileOptions options) {
    check_regular(file);
    const KernelSender sender(static_cast<SelectorSocketTransport&>(*transport));
    co_await sender.transport().all_sent();
    Progress progress(file, options);
    for (;;) {
        const std::optional<std::size_t> sent = send_some(sender.transport(), progress);
        if (!sent) {
            co_await sender.transport().room_to_send();
        } else if (*sent == 0) {
            co_return progress.sent();
        }
    }
}

/// Stands in for a transport's protocol while a file is written block by block.
/// Source    CPython base_events._SendfileFallbackProtocol.
class FallbackProtocol final : public Protocol {
public:
    FallbackProtocol(std::shared_ptr<BaseProtocol> before, bool paused)
        : before_(std::move(before)) {
        if (!paused) may_write_.set();
    }
    void connection_made(Transport&) override {
        throw RuntimeError("Invalid state: connection should have been established already.");
    }
    void connection_lost(std::exception_ptr error) override {
        lost_ = true;
        error_ = error;
        may_write_.set();
        before_->connection_lost(std::move(error));
    }
    void pause_writing() override { may_write_.clear(); }
    void resume_writing() override { may_write_.set(); }

    Event& may_write() noexcept { return may_write_; }
    void check() const {
        if (error_) std::rethrow_exception(error_);
        if (lost_) throw ConnectionError("Connection is closed by peer");
    }
    const std::shared_ptr<BaseProtocol>& before() const noexcept { return before_; }

private:
    std::shared_ptr<BaseProtocol> before_;
    std::exception_ptr error_;
    Event may_write_;
    bool lost_ = false;
};

class FallbackSender {
public:
    explicit FallbackSender(FlowControlTransport& transport)
        : keep_(transport), transport_(transport), was_reading_(transport.is_reading()),
          was_paused_(transport.is_protocol_paused()),
          protocol_(std::make_shared<FallbackProtocol>(transport.get_protocol(), was_paused_)) {
        transport_.set_protocol(protocol_);
        transport_.pause_reading();
    }
    FallbackSender(const FallbackSender&) = delete;
    FallbackSender& operator=(const FallbackSender&) = delete;
    ~FallbackSender() {
        if (transport_.get_protocol() != protocol_) return; // the connection is lost
        const std::shared_ptr<BaseProtocol> before = protocol_->before();
        transport_.set_protocol(before);
        if (was_reading_) transport_.resume_reading();
        const bool paused = transport_.is_protocol_paused();
        if (paused != was_paused_) paused ? before->pause_writing() : before->resume_writing();
    }
    FallbackProtocol& protocol() const noexcept { return *protocol_; }

private:
    TransportRef keep_;
    FlowControlTransport& transport_;
    bool was_reading_;
    bool was_paused_;
    std::shared_ptr<FallbackProtocol> protocol_;
};

Coro<std::uint64_t> send_by_hand(EventLoop* loop, TransportRef transport, int file,
                                 SendfileOptions options) {
    const FallbackSender sender(dynamic_cast<FlowControlTransport&>(*transport));
    Progress progress(file, options);
    const BlockReader blocks(file);
    while (progress.next(1) != 0) {
        const std::string block = co_await blocks.next(*loop, progress);
        if (block.empty()) break;
        sender.protocol().check();
        transport->write(block);
        co_await sender.protocol().may_write().wait();
        progress.add(block.size());
        sender.protocol().check();
    }
    co_return progress.sent();
}

Coro<std::uint64_t> sendfile(EventLoop* loop, TransportRef transport, int file,
                             SendfileOptions options) {
    if (transport->is_closing()) throw RuntimeError("Transport is closing");
    check_options(options);
    const Transport::SendfileMode mode = transport->sendfile_mode();
    if (mode == Transport::SendfileMode::unsupported) {
        throw RuntimeError("sendfile is not supported for transport " + transport->text());
    }
    if (mode == Transport::SendfileMode::native) {
        Outcome<std::uint64_t> end = co_await outcome(send_by_kernel(transport, file, options));
        const bool by_hand =
            options.fallback() && is_exception<SendfileNotAvailableError>(end.exception());
        if (!by_hand) co_return std::move(end).value();
    } else if (!options.fallback()) {
        throw RuntimeError("fallback is disabled and native sendfile is not supported for "
                           "transport " +
                           transport->text());
    }
    co_return co_await send_by_hand(loop, std::move(transport), file, options);
}

} // namespace

} // namespace asyncio::detail

namespace asyncio {

Coro<std::uint64_t> EventLoop::sock_sendfile(const os::Socket& socket, int file) {
    return detail::sock_sendfile(this, &socket, file, SendfileOptions());
}
Coro<std::uint64_t> EventLoop::sock_sendfile(const os::Socket& socket, int file,
                                             SendfileOptions options) {
    return detail::sock_sendfile(this, &socket, file, options);
}
Coro<std::uint64_t> EventLoop::sendfile(Transport& transport, int file) {
    return detail::sendfile(this, TransportRef(transport), file, SendfileOptions());
}
Coro<std::uint64_t> EventLoop::sendfile(Transport& transport, int file, SendfileOptions options) {
    return detail::sendfile(this, TransportRef(transport), file, options);
}

} // namespace asyncio
