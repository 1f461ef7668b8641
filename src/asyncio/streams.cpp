// SPDX-License-Identifier: MIT
// The writing half of streams, the protocol between transport and stream, clients and servers.
#include "asyncio/streams.h"

#include "asyncio/base_events.h"
#include "asyncio/sslproto.h"

namespace asyncio {

namespace detail {

StateRef ClientCallback::operator()(StreamReader reader, StreamWriter writer) const {
    return call_(std::move(reader), std::move(writer));
}

// ---- a client's task ----------------------------------------------------------------------------

namespace {

/// Sees how the task of a client callback ends; keeps the callback, whose captures it may use.
class HandlerEnd final : public LinkedWaiter {
public:
    HandlerEnd(Transport& transport, FutureState* handler,
               Counted<ClientCallback> callback) noexcept
        : transport_(transport), callback_(std::move(callback)) {
        task = handler; // LIFETIME: it tells this of its end
    }

    void fired() noexcept override {
        if (task->failed()) tell_later();
        delete this;
    }
    void abandon() noexcept override {}
    void dropped() noexcept override { delete this; }
    FutureState* awaiting() const noexcept override { return nullptr; }
    const char* label() const noexcept override { return "a server"; }

    static void* operator new(std::size_t bytes) { return base::StatePool::take(bytes); }
    static void operator delete(void* memory, std::size_t bytes) noexcept {
        base::StatePool::give(memory, bytes);
    }

private:
    // In the next turn, as every done-callback.
    void tell_later() noexcept {
        task->set(FutureState::retrieved);
        EventLoop& loop = EventLoop::of(*loop_of(task));
        try {
            loop.call_soon(&tell, &loop, AnyTask(StateRef(task)), transport_);
        } catch (...) { // no memory, or the loop is closed
            outermost(*transport_).close();
        }
    }
    static void tell(EventLoop* loop, const AnyTask& handler, const TransportRef& transport) {
        outermost(*transport).close(); // the handler may have put TLS over it
        if (handler.cancelled()) return;
        ExceptionContext context;
        context.message = "Unhandled exception in client_connected_cb";
        context.exception = handler.exception();
        context.task = handler;
        context.more.emplace_back("transport", transport->text());
        loop->call_exception_handler(context);
    }

    TransportRef transport_;
    Counted<ClientCallback> callback_;
};

void begin_handler(Transport& transport, Counted<ClientCallback> callback, StreamReader reader,
                   StreamWriter writer) {
    const StateRef handler = (*callback)(std::move(reader), std::move(writer));
    if (!handler) return;
    auto* end = new HandlerEnd(transport, handler.get(), std::move(callback));
    if (handler->done()) { // it was started eagerly
        end->fired();
    } else {
        add_done_waiter(handler.get(), end);
    }
}

void fire_all(WaiterList& list) noexcept {
    while (LinkedWaiter* waiter = list.pop_front()) waiter->fired();
}

} // namespace

} // namespace detail

// ---- the protocol -------------------------------------------------------------------------------

void StreamReaderProtocol::connection_made(Transport& transport) {
    reader_.set_transport(transport);
    closes_at_eof_ = !transport.can_write_eof();
    auto callback = std::exchange(callback_, {});
    if (!callback) return;
    auto self = std::static_pointer_cast<StreamReaderProtocol>(transport.get_protocol());
    detail::begin_handler(transport, std::move(callback), reader_,
                          StreamWriter(transport, std::move(self)));
}

void StreamReaderProtocol::connection_lost(std::exception_ptr error) {
    lost_ = true;
    error_ = std::move(error);
    reader_.state().set_transport(nullptr);
    if (error_ == nullptr) {
        reader_.feed_eof();
    } else {
        reader_.set_exception(error_);
    }
    detail::fire_all(closers_);
    detail::fire_all(drains_);
}

void StreamReaderProtocol::replace_transport(Transport& transport) {
    reader_.state().set_transport(&transport);
    closes_at_eof_ = !transport.can_write_eof();
}

bool StreamReaderProtocol::eof_received() {
    reader_.feed_eof();
    return !closes_at_eof_;
}

void StreamReaderProtocol::resume_writing() {
    paused_ = false;
    detail::fire_all(drains_);
}

// ---- writing ------------------------------------------------------------------------------------

namespace detail {

WriterState::~WriterState() {
    if (transport->is_closing()) return;
    // A transport of a closed loop is closing: the loop is there.
    const bool debug = here.loop != nullptr ? here.loop->debug : debug_by_environment();
    if (debug) log(LogLevel::warning, "unclosed StreamWriter " + transport->text());
    transport->close();
}

DrainAwaiter::~DrainAwaiter() {
    if (linked()) protocol().drains().remove(this); // its task is taken apart
}

void DrainAwaiter::abandon() noexcept {
    if (linked()) protocol().drains().remove(this);
}

void DrainAwaiter::wait(FutureState* waiting) noexcept {
    if (writer_->transport->is_closing()) {
        // One turn, as sleep(0): a cancel that is waiting stays for the resumption.
        waiting->set(FutureState::asks);
        return wake(waiting);
    }
    stood_in_line_ = true;
    protocol().drains().push_back(this);
    suspended(waiting);
}

// The turn is over: only now is the line joined, if there is still something to wait for.
bool DrainAwaiter::resumes() noexcept {
    const bool cancelled = task->has(FutureState::must_cancel | FutureState::deliver_cancel);
    if (cancelled || !must_wait()) return true;
    stood_in_line_ = true;
    protocol().drains().push_back(this);
    return false;
}

std::exception_ptr DrainAwaiter::failure() const {
    if (task != nullptr && take_cancel()) {
        return std::make_exception_ptr(CancelledError(take_cancel_message(here.task)));
    }
    if (task == nullptr && protocol().reader().exception()) return protocol().reader().exception();
    if (!protocol().is_lost()) return nullptr;
    if (stood_in_line_) return protocol().error();
    return std::make_exception_ptr(ConnectionResetError(ECONNRESET, "drain", "Connection lost"));
}

ClosedAwaiter::~ClosedAwaiter() {
    if (linked()) protocol().closers().remove(this); // its task is taken apart
}

void ClosedAwaiter::abandon() noexcept {
    if (linked()) protocol().closers().remove(this);
}

} // namespace detail

// ---- TLS ----------------------------------------------------------------------------------------

namespace detail {

namespace {

/// Closes a connection that is not to go on in the clear.
struct AbortUnlessUpgraded {
    Counted<WriterState> writer;
    bool upgraded = false;
    ~AbortUnlessUpgraded() {
        if (!upgraded) writer->transport->abort();
    }
};

Coro<> start_tls(Counted<WriterState> writer, TlsContextRef context, StartTlsOptions options) {
    EventLoop& loop = get_running_loop();
    const std::shared_ptr<StreamReaderProtocol> protocol = writer->protocol;
    AbortUnlessUpgraded guard{writer};
    co_await DrainAwaiter(writer);
    if (!protocol->reader().buffered().empty()) {
        throw ConnectionAbortedError(ECONNABORTED, "start_tls", "bytes in the clear are not read");
    }
    if (!options.server_side()) options.server_side(protocol->is_server_side());
    const TransportRef over = co_await loop.start_tls(*writer->transport, protocol,
                                                      std::move(context), std::move(options));
    protocol->replace_transport(*over);
    writer->transport = over;
    guard.upgraded = true;
}

} // namespace

} // namespace detail

Coro<> StreamWriter::start_tls(TlsContextRef context, StartTlsOptions options) const {
    return detail::start_tls(state_, std::move(context), std::move(options));
}

// ---- connecting and serving ---------------------------------------------------------------------

namespace detail {

namespace {

std::shared_ptr<StreamReaderProtocol> new_protocol(std::size_t limit,
                                                   Counted<ClientCallback> callback = {}) {
    return std::allocate_shared<StreamReaderProtocol>(base::PoolAllocator<StreamReaderProtocol>(),
                                                      StreamReader(limit), std::move(callback));
}

} // namespace

OneProtocol one_protocol(std::size_t limit_bytes) {
    OneProtocol factory;
    factory.protocol = new_protocol(limit_bytes);
    return factory;
}

ProtocolFactory stream_factory(Counted<ClientCallback> callback, std::size_t limit) {
    static_cast<void>(StreamReader(limit)); // a wrong limit is told at once, not to each client
    return [callback = std::move(callback), limit] { return new_protocol(limit, callback); };
}

Stream stream_of(const Connected<StreamReaderProtocol>& made) {
    try {
        return {made.protocol->reader(), StreamWriter(*made.transport, made.protocol)};
    } catch (const std::bad_alloc&) {
        made.transport->close(); // nobody else knows of it
        throw;
    }
}

Coro<Server> start_server(Counted<ClientCallback> callback, Hosts hosts, Port port,
                          ServerOptions options) {
    EventLoop& loop = get_running_loop();
    ProtocolFactory factory = stream_factory(std::move(callback), options.limit());
    co_return co_await create_server(&loop, std::move(factory), std::move(hosts), std::move(port),
                                     std::move(options));
}

Coro<Server> start_server(Counted<ClientCallback> callback, ServerOptions options) {
    EventLoop& loop = get_running_loop();
    ProtocolFactory factory = stream_factory(std::move(callback), options.limit());
    co_return co_await create_server(&loop, std::move(factory), std::move(options));
}

} // namespace detail

Coro<Stream> open_connection(std::string host, Port port, ConnectOptions options) {
    EventLoop& loop = get_running_loop();
    auto factory = detail::one_protocol(options.limit());
    auto made = co_await loop.create_connection(factory, std::move(host), std::move(port),
                                                std::move(options));
    co_return detail::stream_of(made);
}

Coro<Stream> open_connection(ConnectOptions options) {
    EventLoop& loop = get_running_loop();
    auto factory = detail::one_protocol(options.limit());
    auto made = co_await loop.create_connection(factory, std::move(options));
    co_return detail::stream_of(made);
}

} // namespace asyncio
