// SPDX-License-Identifier: MIT
// Streams: connections that tasks read from and write to.
#pragma once

#include "asyncio/connections.h"
#include "asyncio/stream_reads.h"
#include "base/pool_allocator.h"

#include <concepts>
#include <iterator>

namespace asyncio {

// ---- reading ------------------------------------------------------------------------------------

/// What a peer sends, to be read by one task at a time. A handle: copies are the same stream.
///
///     while (auto line = co_await reader.next_line()) use(*line);
///
/// What comes while nobody reads is kept; over twice the limit the transport pauses. A second read
/// while one waits throws RuntimeError, and does not disturb the first.
///
/// Cancel    of any read: nothing is taken from the stream.
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.StreamReader.  Differs: next_line() is its iteration.
class StreamReader {
public:
    /// limit     how long a line may be, and half of what is kept; 64 KiB.
    /// Throws    ValueError: 0.
    explicit StreamReader(std::size_t limit_bytes = 64 * 1024);
    // All throw what the connection failed with, also while there are bytes left.

    /// Up to `bytes`, at least one; all up to the end if negative. Empty at the end of the stream.
    /// Cancel    nothing is taken.
    detail::Read<detail::ReadSome, std::ptrdiff_t> read(std::ptrdiff_t bytes = -1) const {
        return detail::Read<detail::ReadSome, std::ptrdiff_t>(state_, bytes);
    }
    /// As many as are there, at least one, up to the size of the buffer.
    /// Returns   how many; 0 at the end of the stream.
    /// Cancel    nothing is taken.
    /// Lifetime  `into` outlives the await.
    detail::Read<detail::ReadInto, std::span<std::byte>>
    read_into(std::span<std::byte> into) const {
        return detail::Read<detail::ReadInto, std::span<std::byte>>(state_, into);
    }
    /// Exactly so many.
    /// Throws    IncompleteReadError: the end came before; it has the rest. ValueError: negative.
    /// Cancel    nothing is taken.
    detail::Read<detail::ReadExactly, std::ptrdiff_t> readexactly(std::ptrdiff_t bytes) const {
        return detail::Read<detail::ReadExactly, std::ptrdiff_t>(state_, bytes);
    }
    /// A line with its LF; at the end what is left, or nothing.
    /// Throws    ValueError: it is longer than the limit; it is dropped, or if its end has not come
    ///           yet, all that is there.
    /// Cancel    nothing is taken.
    detail::Read<detail::ReadLine> readline() const {
        return detail::Read<detail::ReadLine>(state_);
    }
    /// The same, but nullopt at the end of the stream.
    /// Cancel    nothing is taken.
    detail::Read<detail::NextLine> next_line() const {
        return detail::Read<detail::NextLine>(state_);
    }
    /// Up to the separator that ends first, and with it: `readuntil("\r\n", "\n")`.
    /// Throws    IncompleteReadError: the end came before; it has the rest. LimitOverrunError: it
    ///           is longer than the limit; nothing is taken. ValueError: no separator, or an empty
    ///           one.
    /// Cancel    nothing is taken.
    template <class... Separators>
        requires(std::is_constructible_v<std::string, Separators> && ...)
    detail::Read<detail::ReadUntil, std::vector<std::string>>
    readuntil(Separators&&... separators) const {
        std::vector<std::string> all;
        (all.emplace_back(std::forward<Separators>(separators)), ...);
        return readuntil(std::move(all));
    }
    detail::Read<detail::ReadUntil, std::vector<std::string>>
    readuntil(std::vector<std::string> separators) const {
        return detail::Read<detail::ReadUntil, std::vector<std::string>>(state_,
                                                                         std::move(separators));
    }

    /// Has the end come, and is all read?
    bool at_eof() const noexcept { return state_->at_end() && state_->unread().empty(); }
    /// What the connection failed with; null: it did not.
    std::exception_ptr exception() const noexcept { return state_->error(); }

    // For protocols, and for tests of what reads.

    /// Throws    RuntimeError: after feed_eof().
    void feed_data(std::string_view data) const { state_->feed_data(data); }
    void feed_eof() const noexcept { state_->feed_eof(); }
    /// Fails the present read and all later ones.
    void set_exception(std::exception_ptr error) const noexcept {
        state_->set_exception(std::move(error));
    }
    /// Whom to pause when too much is kept. Throws RuntimeError: it has one.
    void set_transport(Transport& transport) const;
    /// What has come and was not read. Valid until the stream is read, or more comes.
    std::string_view buffered() const noexcept { return state_->unread(); }

    friend bool operator==(const StreamReader&, const StreamReader&) noexcept = default; // the same
    detail::ReaderState& state() const noexcept { return *state_; } // the library's own use

private:
    detail::Counted<detail::ReaderState> state_;
};

// ---- between transport and stream ---------------------------------------------------------------

class StreamReaderProtocol;
class StreamWriter;

namespace detail {

/// Calls a client callback; gives the task, if it is a coroutine.
class ClientCallback {
public:
    using Call = base::Function<StateRef(StreamReader, StreamWriter)>;
    explicit ClientCallback(Call call) noexcept : call_(std::move(call)) {}
    StateRef operator()(StreamReader reader, StreamWriter writer) const;

    void add_ref() noexcept { ++refs_; }
    void release() noexcept {
        if (--refs_ == 0) delete this;
    }

private:
    ~ClientCallback() = default;
    Call call_;
    std::uint32_t refs_ = 1;
};

template <class F>
concept ConnectsClient = std::is_invocable_v<F&, StreamReader, StreamWriter>;

template <ConnectsClient F>
Counted<ClientCallback> make_client_callback(F callback);

/// What StreamWriter handles share. The last one closes the transport.
class WriterState {
public:
    WriterState(Transport& to, std::shared_ptr<StreamReaderProtocol> its_protocol) noexcept
        : transport(to), protocol(std::move(its_protocol)) {}
    WriterState(const WriterState&) = delete;
    WriterState& operator=(const WriterState&) = delete;

    void add_ref() noexcept { ++refs_; }
    void release() noexcept {
        if (--refs_ == 0) delete this;
    }
    static void* operator new(std::size_t bytes) { return base::StatePool::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept {
        base::StatePool::give(memory, bytes);
    }

    TransportRef transport; // another one after start_tls()
    const std::shared_ptr<StreamReaderProtocol> protocol;

private:
    ~WriterState();
    std::uint32_t refs_ = 1;
};

} // namespace detail

/// Feeds a StreamReader from a transport, and holds writers back while it is full.
///
/// Source    CPython 3.14 asyncio.StreamReaderProtocol.
class StreamReaderProtocol : public Protocol {
public:
    explicit StreamReaderProtocol(StreamReader reader) noexcept
        : reader_(std::move(reader)), server_side_(false) {}
    /// callback  called as callback(reader, writer) when the connection is made; if it is a
    ///           coroutine, as a task. Its failure is reported, and closes the connection.
    template <detail::ConnectsClient F>
    StreamReaderProtocol(StreamReader reader, F callback)
        : reader_(std::move(reader)), callback_(detail::make_client_callback(std::move(callback))),
          server_side_(true) {}
    StreamReaderProtocol(StreamReader reader, detail::Counted<detail::ClientCallback> callback)
        : reader_(std::move(reader)), callback_(std::move(callback)),
          server_side_(static_cast<bool>(callback_)) {}

    // What the transport calls; see Protocol.
    void connection_made(Transport& transport) override;
    void connection_lost(std::exception_ptr error) override;
    void data_received(std::string_view data) override { reader_.feed_data(data); }
    bool eof_received() override;
    void pause_writing() override { paused_ = true; }
    void resume_writing() override;

    /// The reader is fed by this one from now on: start_tls() has put it over the one before.
    void replace_transport(Transport& transport);

    // What writers look at.
    bool is_paused() const noexcept { return paused_; }
    bool is_lost() const noexcept { return lost_; }
    /// What the connection was lost with.
    const std::exception_ptr& error() const noexcept { return error_; }
    const StreamReader& reader() const noexcept { return reader_; }
    bool is_server_side() const noexcept { return server_side_; } // was it made with a callback?
    detail::WaiterList& drains() noexcept { return drains_; } // in drain()
    detail::WaiterList& closers() noexcept { return closers_; } // in wait_closed()

private:
    StreamReader reader_;
    detail::Counted<detail::ClientCallback> callback_; // until the connection is made
    detail::WaiterList drains_;
    detail::WaiterList closers_;
    std::exception_ptr error_;
    bool paused_ = false;
    bool lost_ = false;
    bool server_side_;
    bool closes_at_eof_ = false; // a transport that cannot end its writing alone
};

// ---- writing ------------------------------------------------------------------------------------

namespace detail {

/// Waits until the transport's unsent bytes have fallen to the low-water mark.
class [[nodiscard]] DrainAwaiter final : public LinkedWaiter {
public:
    explicit DrainAwaiter(Counted<WriterState> writer) noexcept : writer_(std::move(writer)) {}
    DrainAwaiter(const DrainAwaiter&) = delete;
    DrainAwaiter& operator=(const DrainAwaiter&) = delete;
    ~DrainAwaiter();

    bool await_ready() const noexcept {
        if (protocol().reader().exception() != nullptr) return true;
        return !writer_->transport->is_closing() && !must_wait();
    }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        wait(suspend_task(this, frame.promise(), where));
    }
    void await_resume() {
        if (const std::exception_ptr error = settle()) [[unlikely]]
            std::rethrow_exception(error);
    }
    Outcome<void> await_outcome() {
        std::exception_ptr error = settle();
        return error == nullptr ? Outcome<void>::with_value()
                                : Outcome<void>::with_exception(std::move(error));
    }

    void fired() noexcept override { wake(task); }
    void abandon() noexcept override;
    bool resumes() noexcept override;
    const char* label() const noexcept override { return "StreamWriter.drain"; }

private:
    bool must_wait() const noexcept { return protocol().is_paused() && !protocol().is_lost(); }
    void wait(FutureState* waiting) noexcept;
    std::exception_ptr settle() const {
        const bool all_well =
            task == nullptr && protocol().reader().exception() == nullptr && !protocol().is_lost();
        return all_well ? nullptr : failure();
    }
    std::exception_ptr failure() const;

    StreamReaderProtocol& protocol() const noexcept { return *writer_->protocol; }

    Counted<WriterState> writer_;
    bool stood_in_line_ = false;
};

/// Waits for the end of a connection.
class [[nodiscard]] ClosedAwaiter final : public LinkedWaiter {
public:
    explicit ClosedAwaiter(Counted<WriterState> writer) noexcept : writer_(std::move(writer)) {}
    ClosedAwaiter(const ClosedAwaiter&) = delete;
    ClosedAwaiter& operator=(const ClosedAwaiter&) = delete;
    ~ClosedAwaiter();

    bool await_ready() const noexcept { return protocol().is_lost(); }
    template <class Promise>
    void await_suspend(std::coroutine_handle<Promise> frame,
                       std::source_location where = std::source_location::current()) noexcept {
        static_assert(is_frame<Promise>, "co_await this in an asyncio coroutine");
        FutureState* const waiting = suspend_task(this, frame.promise(), where);
        protocol().closers().push_back(this);
        suspended(waiting);
    }
    void await_resume() {
        if (task != nullptr && take_cancel()) throw_cancelled();
        if (protocol().error()) std::rethrow_exception(protocol().error());
    }

    void fired() noexcept override { wake(task); }
    void abandon() noexcept override;
    const char* label() const noexcept override { return "StreamWriter.wait_closed"; }

private:
    StreamReaderProtocol& protocol() const noexcept { return *writer_->protocol; }

    Counted<WriterState> writer_;
};

/// The operation of a writer.
template <class Awaiter>
class [[nodiscard("co_await it")]] WriterOperation {
public:
    explicit WriterOperation(Counted<WriterState> writer) noexcept : writer_(std::move(writer)) {}
    Awaiter operator co_await() const noexcept { return Awaiter(writer_); }

private:
    Counted<WriterState> writer_;
};

/// A range of what can be viewed as text. Not by <ranges>: that is 4,000 lines in each source.
template <class R>
concept Pieces = requires(R& pieces) {
    { *std::begin(pieces) } -> std::convertible_to<std::string_view>;
    std::end(pieces);
};

} // namespace detail

/// What is sent to a peer. A handle: copies are the same stream. When the last one goes, the
/// transport is closed if it is not yet; in debug mode that is logged.
///
///     writer.write("hello\n");
///     co_await writer.drain();
///
/// Thread    the loop's own.
/// Source    CPython 3.14 asyncio.StreamWriter.
class StreamWriter {
public:
    using Drain = detail::WriterOperation<detail::DrainAwaiter>;
    using WaitClosed = detail::WriterOperation<detail::ClosedAwaiter>;

    StreamWriter(Transport& transport, std::shared_ptr<StreamReaderProtocol> protocol)
        : state_(detail::Counted<detail::WriterState>::adopt(
              new detail::WriterState(transport, std::move(protocol)))) {}

    /// As Transport::write: sends what goes at once, keeps a copy of the rest, does not wait.
    void write(std::string_view data) const { state_->transport->write(data); }
    /// Several pieces in one system call.
    template <detail::Pieces R>
    void writelines(R&& pieces) const {
        std::vector<std::string_view> views;
        for (auto&& piece : pieces) views.emplace_back(piece);
        state_->transport->writelines(views);
    }
    /// Ends what is sent, once all of it has gone; reading goes on.
    void write_eof() const { state_->transport->write_eof(); }
    bool can_write_eof() const noexcept { return state_->transport->can_write_eof(); }

    /// Waits until the peer has taken enough: not at all below the high-water mark.
    ///
    /// Of a connection that is closing it takes one turn, in which the loss can be noticed.
    ///
    /// Throws    what the connection failed with. ConnectionResetError: it was lost.
    /// Cancel    what was written stays written.
    Drain drain() const noexcept { return Drain(state_); }
    /// write() and drain().
    /// Cancel    all of it is written already.
    Drain write_all(std::string_view data) const {
        write(data);
        return drain();
    }

    /// Begins an orderly end: what was written is sent first. Harmless twice.
    void close() const { state_->transport->close(); }
    bool is_closing() const noexcept { return state_->transport->is_closing(); }
    /// Waits until the connection is gone.
    /// Throws    what it was lost with.
    /// Cancel    the connection goes on closing.
    WaitClosed wait_closed() const noexcept { return WaitClosed(state_); }

    /// Puts TLS over the connection; this stays its writer, and its reader the reader. What was
    /// written before is sent in the clear first.
    ///
    /// context   an ssl::SSLContext
    /// Throws    as loop.start_tls and drain(). ConnectionAbortedError: something has come in the
    ///           clear that was not read: it would pass for what the peer has said under TLS. In
    ///           each case the connection is closed.
    /// Cancel    the connection is closed.
    /// Source    CPython 3.14 asyncio.StreamWriter.start_tls.  Differs: unread bytes are an error.
    Coro<> start_tls(TlsContextRef context, StartTlsOptions options = StartTlsOptions()) const;

    /// What it writes to.
    /// Lifetime  as long as this or a copy, and until start_tls(); a TransportRef keeps it longer.
    Transport& transport() const noexcept { return *state_->transport; }
    /// As Transport::get_extra_info.
    template <class T>
    std::optional<T> get_extra_info(ExtraInfo<T> key) const {
        return transport().get_extra_info(key);
    }
    template <class T>
    T get_extra_info(ExtraInfo<T> key, T otherwise) const {
        return transport().get_extra_info(key, std::move(otherwise));
    }
    /// The two ends' addresses; of no family if they are not known any more.
    Address peername() const { return get_extra_info(extra::peername, Address()); }
    Address sockname() const { return get_extra_info(extra::sockname, Address()); }

    friend bool operator==(const StreamWriter&, const StreamWriter&) noexcept = default; // the same

private:
    detail::Counted<detail::WriterState> state_;
};

/// Both halves of a connection.
struct Stream {
    StreamReader reader;
    StreamWriter writer;
};

// ---- connecting and serving ---------------------------------------------------------------------

/// Connects to `port` of `host`.
///
///     auto [reader, writer] = co_await asyncio::open_connection("127.0.0.1", 8888);
///
/// Throws    as loop.create_connection. ValueError: a limit of 0.
/// Cancel    no socket is left.
/// Source    CPython 3.14 asyncio.open_connection.
Coro<Stream> open_connection(std::string host, Port port,
                             ConnectOptions options = ConnectOptions());
/// Over a socket that is connected: `ConnectOptions().sock(...)`.
/// Cancel    the socket is closed.
Coro<Stream> open_connection(ConnectOptions options);

namespace detail {

template <ConnectsClient F>
Counted<ClientCallback> make_client_callback(F callback) {
    return Counted<ClientCallback>::adopt(new ClientCallback(
        // NOLINTNEXTLINE(performance-unnecessary-value-param): who takes references, gets them.
        [callback = std::move(callback)](StreamReader reader, StreamWriter writer) mutable {
            if constexpr (Awaitable<std::invoke_result_t<F&, StreamReader, StreamWriter>>) {
                const auto task = create_task(callback(std::move(reader), std::move(writer)));
                return StateRef(task.state());
            } else {
                callback(std::move(reader), std::move(writer));
                return StateRef();
            }
        }));
}

/// Gives the one protocol of a connection.
struct OneProtocol {
    std::shared_ptr<StreamReaderProtocol> protocol;
    std::shared_ptr<StreamReaderProtocol> operator()() const { return protocol; }
};
// Protocols of streams: for one connection, for those of a server; and what one becomes.
OneProtocol one_protocol(std::size_t limit_bytes);
ProtocolFactory stream_factory(Counted<ClientCallback> callback, std::size_t limit_bytes);
Stream stream_of(const Connected<StreamReaderProtocol>& made);

Coro<Server> start_server(Counted<ClientCallback> callback, Hosts hosts, Port port,
                          ServerOptions options);
Coro<Server> start_server(Counted<ClientCallback> callback, ServerOptions options);

} // namespace detail

/// Listens on `port` of each host, and calls `callback(reader, writer)` for each connection.
///
///     asyncio::Coro<> echo(asyncio::StreamReader reader, asyncio::StreamWriter writer);
///     auto server = co_await asyncio::start_server(echo, "127.0.0.1", 8888);
///
/// callback  a function or a coroutine; a coroutine runs as a task of its own. Its failure is
///           reported and closes the connection. It is kept until the last of its tasks has ended.
/// Throws    as loop.create_server.
/// Cancel    nothing listens.
/// Source    CPython 3.14 asyncio.start_server.
template <class F>
    requires detail::ConnectsClient<std::decay_t<F>>
Coro<Server> start_server(F&& callback, Hosts hosts, Port port,
                          ServerOptions options = ServerOptions()) {
    return detail::start_server(
        detail::make_client_callback<std::decay_t<F>>(std::forward<F>(callback)), std::move(hosts),
        std::move(port), std::move(options));
}
/// On a socket that is bound: `ServerOptions().sock(...)`.
/// Cancel    nothing listens.
template <class F>
    requires detail::ConnectsClient<std::decay_t<F>>
Coro<Server> start_server(F&& callback, ServerOptions options) {
    return detail::start_server(
        detail::make_client_callback<std::decay_t<F>>(std::forward<F>(callback)),
        std::move(options));
}

} // namespace asyncio
