// SPDX-License-Identifier: MIT
// Random programs on files: here, and by CPython's open().
#include "aiofiles/aiofiles.h"

#include "asyncio/testing/testing.h"
#include "support/dice.h"
#include "support/programs.h"
#include "support/scratch.h"

#include <algorithm>
#include <array>
#include <sstream>

using namespace asyncio;
using aiofiles::AsyncFile;
using aiofiles::Newline;
using aiofiles::OpenOptions;
using aiofiles::Whence;
using support::Dice;
using support::Scratch;

namespace {

// Runs the programs of a file: `open MODE ENCODING NEWLINE BUFFERING CONTENT`, then calls of it.
constexpr const char* interpreter = R"(
import io, sys, os
newlines = {'universal': None, 'untranslated': '', 'lf': '\n', 'cr': '\r', 'crlf': '\r\n'}
folder, file = sys.argv[1], None
def shown(value):
    if isinstance(value, str): value = value.encode('utf-8')
    return value.hex() if isinstance(value, bytes) else str(value)
def data(text):
    value = bytes.fromhex(text)
    return value if 'b' in file.mode else value.decode('utf-8')
for line in open(folder + '/programs'):
    name, *words = line.strip('\n').split(' ')
    words = [word.strip() for word in words]
    try:
        if name == 'open':
            mode, encoding, newline, buffering, content = words
            with open(folder + '/theirs', 'wb') as made: made.write(bytes.fromhex(content))
            text = {} if 'b' in mode else {'encoding': encoding, 'newline': newlines[newline]}
            file = open(folder + '/theirs', mode, int(buffering), **text)
            end = 'opened'
        elif name == 'read': end = shown(file.read(int(words[0])))
        elif name == 'readline': end = shown(file.readline(int(words[0])))
        elif name == 'write': end = shown(file.write(data(words[0])))
        elif name == 'start': end = shown(file.seek(0))
        elif name == 'end': end = shown(file.seek(0, 2))
        elif name == 'flush': file.flush(); end = 'flushed'
        elif name == 'close':
            file.close()
            with open(folder + '/theirs', 'rb') as made: end = made.read().hex()
    except (OSError, ValueError) as error:
        end = type(error).__name__
    print(end)
)";

constexpr std::array modes{"r", "r+", "w+", "a+", "rb", "rb+", "wb+", "ab+"};
constexpr std::array encodings{"utf-8", "latin-1", "ascii", "utf-8-sig"};
constexpr std::array newline_names{"universal", "untranslated", "lf", "cr", "crlf"};
constexpr std::array pieces{"a", "b\n", "\r", "\r\n", "\u00e9", "\u4e2d\n", "xyz", "\n\n"};

std::string hex(std::string_view bytes) {
    std::string text;
    for (const char c : bytes) {
        const auto byte = static_cast<unsigned char>(c);
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

std::string bytes_of(std::string_view text) {
    std::string bytes;
    for (std::size_t i = 0; i + 1 < text.size(); i += 2) {
        bytes += static_cast<char>(std::stoi(std::string(text.substr(i, 2)), nullptr, 16));
    }
    return bytes;
}

template <class Things>
auto one_of(const Things& things, Dice& dice) {
    return things[static_cast<std::size_t>(dice.below(static_cast<int>(things.size())))];
}

std::string some_text(Dice& dice) {
    std::string text;
    for (int i = dice.below(6); i > 0; --i) text += one_of(pieces, dice);
    return text;
}

// Python's text files have a position of their own for each direction unless one seeks in between,
// so a program seeks when it turns round.
std::string program(Dice& dice) {
    const char* const mode = one_of(modes, dice);
    std::ostringstream text;
    text << "open " << mode << ' ' << one_of(encodings, dice) << ' ' << one_of(newline_names, dice)
         << ' ' << 2 + dice.below(6) << ' ' << hex(some_text(dice) + some_text(dice)) << '\n';
    for (int i = 3 + dice.below(6); i > 0; --i) {
        switch (dice.below(5)) {
        case 0: text << "read " << dice.below(6) - 1 << '\n'; break;
        case 1: text << "readline " << dice.below(6) - 1 << '\n'; break;
        case 2: text << "end\nwrite " << hex(some_text(dice)) << "\nstart\n"; break;
        case 3: text << "start\n"; break;
        default: text << "flush\n"; break;
        }
    }
    text << "close\n";
    return text.str();
}

/// The same here.
class Interpreter {
public:
    explicit Interpreter(const Scratch& scratch) : scratch_(scratch) {}

    Coro<std::string> step(std::string line) {
        std::istringstream words(line);
        std::string name;
        std::string first;
        words >> name >> first;
        try {
            if (name == "open") co_return co_await open(std::move(line));
            if (name == "read") co_return hex(co_await file_->read(std::stoi(first)));
            if (name == "readline") co_return hex(co_await file_->readline(std::stoi(first)));
            if (name == "write") co_return std::to_string(co_await file_->write(bytes_of(first)));
            if (name == "start") co_return std::to_string(co_await file_->seek(0));
            if (name == "end") co_return std::to_string(co_await file_->seek(0, Whence::end));
            if (name == "flush") {
                co_await file_->flush();
                co_return "flushed";
            }
            co_await file_->close();
            co_return hex(scratch_.get("ours"));
        } catch (const aiofiles::UnsupportedOperation&) {
            co_return "UnsupportedOperation";
        } catch (const aiofiles::UnicodeDecodeError&) {
            co_return "UnicodeDecodeError";
        } catch (const aiofiles::UnicodeEncodeError&) {
            co_return "UnicodeEncodeError";
        }
    }

private:
    Coro<std::string> open(std::string line) {
        std::istringstream words(line);
        std::string name, mode, encoding, newline, content;
        int buffering = 0;
        words >> name >> mode >> encoding >> newline >> buffering >> content;
        scratch_.put("ours", bytes_of(content));
        OpenOptions options;
        options.buffering(buffering);
        if (mode.find('b') == std::string::npos) {
            const auto at = std::find(newline_names.begin(), newline_names.end(), newline);
            options.encoding(encoding).newline(
                static_cast<Newline>(std::distance(newline_names.begin(), at)));
        }
        file_ = co_await aiofiles::open(scratch_.path("ours"), mode, options);
        co_return "opened";
    }

    const Scratch& scratch_; // LIFETIME: the case's
    std::optional<AsyncFile> file_;
};

} // namespace

CO_TEST("AF02: random programs on files do what they do with CPython's open()") {
    const Scratch scratch;
    Dice dice(20260101);
    std::string programs;
    for (int i = 0; i < 150; ++i) programs += program(dice);
    scratch.put("programs", programs);
    const support::Program peer(support::python(interpreter, scratch.folder()));
    Interpreter ours(scratch);
    std::istringstream lines(programs);
    std::string opened;
    bool broken = false; // CPython meets what it cannot decode early, as it decodes ahead
    for (std::string line; std::getline(lines, line);) {
        const std::string theirs = peer.line();
        const bool opens = line.starts_with("open");
        if (opens) opened = line;
        if (opens) broken = false;
        const std::string end = co_await ours.step(line);
        broken = broken || theirs == "UnicodeDecodeError";
        if (!broken && end != theirs) {
            FAIL(opened + " ... " + line + ": " + end + ", but CPython: " + theirs);
        }
    }
}
