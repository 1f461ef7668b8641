// SPDX-License-Identifier: MIT
// How each of them is packed. One that has a text and nothing else is packed as that.
#include "multiprocessing/remote_errors.h"

#include <algorithm>
#include <new>
#include <stdexcept>

namespace multiprocessing {

namespace {

/// Packs an E, which is what `error` holds.
template <class E, class F>
void with_thrown(const std::exception_ptr& error, F pack) {
    try {
        std::rethrow_exception(error);
    } catch (const E& thrown) {
        pack(thrown);
    }
}

/// How an E is packed and unpacked; those below have more than a text.
template <class E>
struct Form {
    static void pack(Packer& to, const E& error) { to.add(std::string(error.what())); }
    static std::exception_ptr unpack(Unpacker& from) {
        return std::make_exception_ptr(E(from.take<std::string>()));
    }
};

template <class E>
    requires std::is_base_of_v<asyncio::OSError, E>
struct Form<E> {
    static void pack(Packer& to, const E& error) {
        to.add(error.errnum(), error.call(), error.object(), std::string(error.what()));
    }
    static std::exception_ptr unpack(Unpacker& from) {
        const int errnum = from.take<int>();
        const auto call = from.take<std::string>();
        const auto object = from.take<std::string>();
        const auto text = from.take<std::string>();
        return std::make_exception_ptr(errnum == 0 ? E(text) : E(errnum, call, object));
    }
};

template <>
struct Form<std::bad_alloc> {
    static void pack(Packer&, const std::bad_alloc&) {}
    static std::exception_ptr unpack(Unpacker&) {
        return std::make_exception_ptr(std::bad_alloc());
    }
};

template <>
struct Form<asyncio::SystemExit> {
    static void pack(Packer& to, const asyncio::SystemExit& error) {
        to.add(error.code, error.message());
    }
    static std::exception_ptr unpack(Unpacker& from) {
        const int code = from.take<int>();
        asyncio::SystemExit error(from.take<std::string>());
        error.code = code;
        return std::make_exception_ptr(error);
    }
};

template <>
struct Form<asyncio::IncompleteReadError> {
    static void pack(Packer& to, const asyncio::IncompleteReadError& error) {
        to.add(error.partial, error.expected);
    }
    static std::exception_ptr unpack(Unpacker& from) {
        auto partial = from.take<std::string>();
        const auto expected = from.take<std::optional<std::size_t>>();
        return std::make_exception_ptr(asyncio::IncompleteReadError(std::move(partial), expected));
    }
};

template <>
struct Form<asyncio::LimitOverrunError> {
    static void pack(Packer& to, const asyncio::LimitOverrunError& error) {
        to.add(std::string(error.what()), error.consumed);
    }
    static std::exception_ptr unpack(Unpacker& from) {
        const auto text = from.take<std::string>();
        return std::make_exception_ptr(asyncio::LimitOverrunError(text, from.take<std::size_t>()));
    }
};

template <class E>
    requires std::is_base_of_v<asyncio::BaseExceptionGroup, E>
struct Form<E> {
    static void pack(Packer& to, const E& error) {
        const asyncio::BaseExceptionGroup& group = error;
        to.add(group.message(), group.exceptions().size());
        for (const std::exception_ptr& member : group.exceptions()) to.add(pack_exception(member));
    }
    static std::exception_ptr unpack(Unpacker& from) {
        auto message = from.take<std::string>();
        const auto count = from.take<std::size_t>();
        std::vector<std::exception_ptr> members;
        members.reserve(std::min<std::size_t>(count, 16));
        for (std::size_t i = 0; i < count; ++i) {
            members.push_back(unpack_exception(from.take<std::string>()));
        }
        return asyncio::make_exception_group(std::move(message), std::move(members));
    }
};

template <>
struct Form<RemoteError> {
    static void pack(Packer& to, const RemoteError& error) {
        const std::string text = error.what();
        const std::size_t name_bytes = error.type_name().size() + 2; // and ": "
        to.add(error.type_name(), text.size() > name_bytes ? text.substr(name_bytes) : "");
    }
    static std::exception_ptr unpack(Unpacker& from) {
        const auto name = from.take<std::string>();
        return std::make_exception_ptr(RemoteError(name, from.take<std::string>()));
    }
};

template <class E>
constexpr KnownException known(const char* name) {
    const auto pack = [](const std::exception_ptr& error) {
        Packer to;
        with_thrown<E>(error, [&to](const E& thrown) { Form<E>::pack(to, thrown); });
        return std::move(to).take();
    };
    return {name, {&typeid(E), pack, &Form<E>::unpack}};
}

// Without these, what is thrown would still come through, but as a RemoteError.
constexpr KnownException all_known[] = {
    known<asyncio::Error>("Error"),
    known<asyncio::ValueError>("ValueError"),
    known<asyncio::TypeError>("TypeError"),
    known<asyncio::RuntimeError>("RuntimeError"),
    known<asyncio::NotImplementedError>("NotImplementedError"),
    known<asyncio::LookupError>("LookupError"),
    known<asyncio::IndexError>("IndexError"),
    known<asyncio::KeyError>("KeyError"),
    known<asyncio::ArithmeticError>("ArithmeticError"),
    known<asyncio::ZeroDivisionError>("ZeroDivisionError"),
    known<asyncio::EOFError>("EOFError"),
    known<asyncio::InvalidStateError>("InvalidStateError"),
    known<asyncio::BrokenBarrierError>("BrokenBarrierError"),
    known<asyncio::QueueEmpty>("QueueEmpty"),
    known<asyncio::QueueFull>("QueueFull"),
    known<asyncio::QueueShutDown>("QueueShutDown"),
    known<asyncio::IncompleteReadError>("IncompleteReadError"),
    known<asyncio::LimitOverrunError>("LimitOverrunError"),
    known<asyncio::SendfileNotAvailableError>("SendfileNotAvailableError"),
    known<asyncio::OSError>("OSError"),
    known<asyncio::TimeoutError>("TimeoutError"),
    known<asyncio::BlockingIOError>("BlockingIOError"),
    known<asyncio::ChildProcessError>("ChildProcessError"),
    known<asyncio::ConnectionError>("ConnectionError"),
    known<asyncio::BrokenPipeError>("BrokenPipeError"),
    known<asyncio::ConnectionAbortedError>("ConnectionAbortedError"),
    known<asyncio::ConnectionRefusedError>("ConnectionRefusedError"),
    known<asyncio::ConnectionResetError>("ConnectionResetError"),
    known<asyncio::FileExistsError>("FileExistsError"),
    known<asyncio::FileNotFoundError>("FileNotFoundError"),
    known<asyncio::InterruptedError>("InterruptedError"),
    known<asyncio::IsADirectoryError>("IsADirectoryError"),
    known<asyncio::NotADirectoryError>("NotADirectoryError"),
    known<asyncio::PermissionError>("PermissionError"),
    known<asyncio::ProcessLookupError>("ProcessLookupError"),
    known<asyncio::CancelledError>("CancelledError"),
    known<asyncio::KeyboardInterrupt>("KeyboardInterrupt"),
    known<asyncio::SystemExit>("SystemExit"),
    known<asyncio::GeneratorExit>("GeneratorExit"),
    known<asyncio::ExceptionGroup>("ExceptionGroup"),
    known<asyncio::MixedExceptionGroup>("BaseExceptionGroup"),
    known<asyncio::BrokenExecutor>("BrokenExecutor"),
    known<BrokenProcessPool>("BrokenProcessPool"),
    known<PicklingError>("PicklingError"),
    known<RemoteError>("RemoteError"),
    known<std::bad_alloc>("std::bad_alloc"),
    known<std::logic_error>("std::logic_error"),
    known<std::invalid_argument>("std::invalid_argument"),
    known<std::domain_error>("std::domain_error"),
    known<std::length_error>("std::length_error"),
    known<std::out_of_range>("std::out_of_range"),
    known<std::runtime_error>("std::runtime_error"),
    known<std::range_error>("std::range_error"),
    known<std::overflow_error>("std::overflow_error"),
    known<std::underflow_error>("std::underflow_error"),
};

std::string packed(std::string_view name, const std::string& contents) {
    Packer to;
    to.add(std::string(name), contents);
    return std::move(to).take();
}

std::string packed_as_text(const std::exception_ptr& error) {
    Packer contents;
    contents.add(asyncio::type_name(error), asyncio::message_of(error));
    return packed("", std::move(contents).take());
}

} // namespace

const KnownException* known_exception(const std::type_info& type) noexcept {
    for (const KnownException& one : all_known) {
        if (*one.type.type == type) return &one;
    }
    return nullptr;
}

const KnownException* known_exception(std::string_view name) noexcept {
    for (const KnownException& one : all_known) {
        if (one.name == name) return &one;
    }
    return nullptr;
}

std::string pack_exception(const std::exception_ptr& error) {
    const std::type_info* type = error ? error.__cxa_exception_type() : nullptr;
    if (type == nullptr) return packed_as_text(error);
    if (const auto* own = exception_type_of(*type); own != nullptr) {
        return packed(own->first, own->second.pack(error));
    }
    const KnownException* known = known_exception(*type);
    return known != nullptr ? packed(known->name, known->type.pack(error)) : packed_as_text(error);
}

std::exception_ptr unpack_exception(std::string_view bytes) {
    Unpacker from(bytes);
    const auto name = from.take<std::string>();
    const auto contents = from.take<std::string>();
    Unpacker inside(contents);
    if (const auto* own = exception_type_named(name); own != nullptr) return own->unpack(inside);
    if (const KnownException* known = known_exception(name); known != nullptr) {
        return known->type.unpack(inside);
    }
    return Form<RemoteError>::unpack(inside);
}

} // namespace multiprocessing
