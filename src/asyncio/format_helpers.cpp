// SPDX-License-Identifier: MIT
// Reads the names that compilers write: g++ and clang, signatures and demangled types.
#include "asyncio/format_helpers.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cxxabi.h>
#include <memory>
#include <vector>

namespace asyncio::detail {

namespace {

bool is_word(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (static_cast<unsigned char>(c) & 0x80U) != 0;
}

/// One part of a qualified name.
struct Part {
    std::string_view name;  // of a lambda: empty
    bool lambda = false;
    bool templated = false; // had template arguments
    bool called = false;    // had parameters: a function
    bool homed = false;     // a lambda that stands behind the variable or function it is in
};

/// Splits a signature into the parts of the function's qualified name.
class SignatureReader {
public:
    explicit SignatureReader(std::string_view text) : text_(text) {}

    std::vector<Part> read() {
        while (!ended_ && at_ < text_.size()) step();
        flush();
        return std::move(parts_);
    }
    bool member() const noexcept { return member_; }

private:
    std::string_view rest() const noexcept { return text_.substr(at_); }
    bool at(std::string_view token) const noexcept { return rest().starts_with(token); }

    void step() {
        if (at("::")) {
            flush();
            at_ += 2;
        } else if (at(" [")) {
            ended_ = true; // the template's arguments
        } else if (at("[abi:")) {
            while (at_ < text_.size() && text_[at_] != ']') ++at_;
            ++at_;
        } else if (at("operator") && !is_word(after(8))) {
            read_operator();
        } else if (at("<lambda") || at("{lambda") || at("(anonymous class)")) {
            const bool homed = at("{");
            skip_group();
            add_lambda(homed);
        } else if (at("(anonymous") || at("{anonymous}") || at("{unnamed")) {
            skip_group();
            current_ = {};
        } else if (text_[at_] == '<') {
            skip_group();
            current_.templated = true;
        } else if (text_[at_] == '(') {
            read_parameters();
        } else if (is_word(text_[at_])) {
            read_word();
        } else {
            next_name(); // a blank, or the '*' or '&' of a return type
            ++at_;
        }
    }

    char after(std::size_t count) const noexcept {
        return at_ + count < text_.size() ? text_[at_ + count] : '\0';
    }

    void read_word() {
        const std::size_t begin = at_;
        while (at_ < text_.size() && is_word(text_[at_])) ++at_;
        const std::string_view word = text_.substr(begin, at_ - begin);
        if (word == "static" && parts_.empty()) member_ = true;
        current_.name = word;
        if (word.starts_with("$_")) { // clang's name of a lambda
            current_ = {};
            add_lambda(false);
        }
    }

    // "operator()", "operator<<", "operator Coro<int>": up to the parameters.
    void read_operator() {
        const std::size_t begin = at_;
        at_ += 8;
        const bool conversion = at(" ");
        if (at("()")) at_ += 2;
        while (at_ < text_.size() && text_[at_] != '(') {
            if (conversion && text_[at_] == '<') {
                skip_group();
            } else {
                ++at_;
            }
        }
        current_.name = text_.substr(begin, at_ - begin);
    }

    void read_parameters() {
        if (current_.name == "decltype" || current_.name == "noexcept") { // part of a type
            skip_group();
            return;
        }
        if (current_.name.empty() && (parts_.empty() || !parts_.back().lambda)) {
            skip_group(); // "(*)": of a type
            return;
        }
        skip_group();
        if (!current_.name.empty()) current_.called = true;
        // What may stand between the parameters and the name of something inside the function.
        std::size_t look = at_;
        for (const std::string_view word : {" const", " volatile", " &&", " &", " noexcept"}) {
            if (!text_.substr(look).starts_with(word)) continue;
            look += word.size();
            if (text_.substr(look).starts_with("::")) break;
            if (word != " noexcept") member_ = true;
        }
        if (text_.substr(look).starts_with("::")) {
            at_ = look;
            member_ = false;
        } else {
            ended_ = true;
        }
    }

    // Skips "<...>", "(...)" or "{...}" with all that is nested.
    void skip_group() {
        int depth = 0;
        do {
            const char c = text_[at_];
            if (c == '<' || c == '(' || c == '{') ++depth;
            if ((c == '>' && text_[at_ - 1] != '-') || c == ')' || c == '}') --depth;
            ++at_;
        } while (depth > 0 && at_ < text_.size());
    }

    void flush() {
        if (!current_.name.empty()) parts_.push_back(current_);
        current_ = {};
    }
    void add_lambda(bool homed) {
        flush();
        Part lambda;
        lambda.lambda = true;
        lambda.homed = homed;
        parts_.push_back(lambda);
    }
    // What was read was a return type or a word like "static".
    void next_name() {
        parts_.clear();
        current_ = {};
    }

    std::string_view text_;
    std::size_t at_ = 0;
    std::vector<Part> parts_;
    Part current_;
    bool member_ = false; // the signature shows that it is one
    bool ended_ = false;
};

bool looks_like_class(const Part& part) noexcept {
    return part.templated || (part.name.front() >= 'A' && part.name.front() <= 'Z');
}

// Is `part` what a lambda stands in, and not only a namespace?
bool is_home(const Part& part, const Part& lambda) noexcept {
    return lambda.homed || part.name == "main" || looks_like_class(part);
}

// A lambda's call operator says no more than the lambda.
void drop_lambda_calls(std::vector<Part>& parts) {
    std::vector<Part> kept;
    for (const Part& part : parts) {
        const bool call = part.name == "operator()" && !kept.empty() && kept.back().lambda;
        if (!call) kept.push_back(part);
    }
    parts = std::move(kept);
}

// `owner`: the last part is a member, so what stands before it is a class.
std::string joined(const std::vector<Part>& parts, bool owner) {
    if (parts.empty()) return {};
    const Part* inner = &parts.back();
    std::string text = inner->lambda ? "<lambda>" : std::string(inner->name);
    bool is_class = owner || inner->name.starts_with("operator");
    for (std::size_t i = parts.size() - 1; i-- > 0;) {
        const Part& part = parts[i];
        if (part.lambda) {
            text.insert(0, "<lambda>.");
        } else if (part.called || (inner->lambda && is_home(part, *inner))) {
            text.insert(0, std::string(part.name) + ".");
        } else if (is_class || looks_like_class(part)) {
            text.insert(0, std::string(part.name) + "::");
        } else {
            break; // a namespace
        }
        is_class = false;
        inner = &part;
    }
    return text;
}

} // namespace

std::string name_in_signature(std::string_view signature) {
    SignatureReader reader(signature);
    std::vector<Part> parts = reader.read();
    drop_lambda_calls(parts);
    return joined(parts, reader.member());
}

std::string function_name(std::source_location where) {
    return name_in_signature(where.function_name());
}

std::string demangled(const std::type_info& type) {
    int status = 0;
    const std::unique_ptr<char, decltype(&std::free)> text( // freed also if the result throws
        abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), &std::free);
    return status == 0 ? text.get() : type.name();
}

std::string callable_name(const std::type_info& type) {
    const std::string text = demangled(type);
    if (text.find("(*)") != std::string::npos || text.find("::*)") != std::string::npos) {
        const std::size_t pointer = std::min(text.find("(*)"), text.find("::*)"));
        if (pointer < text.find('<')) return "function";
    }
    constexpr std::string_view wrapper = "std::reference_wrapper<";
    if (text.starts_with(wrapper)) {
        return name_in_signature(
            std::string_view(text).substr(wrapper.size(), text.rfind('>') - wrapper.size()));
    }
    return name_in_signature(text);
}

std::string quoted(std::string_view text) {
    const bool single = text.find('\'') != std::string_view::npos;
    const char quote = single && text.find('"') == std::string_view::npos ? '"' : '\'';
    std::string out(1, quote);
    for (const char c : text) {
        if (c == quote || c == '\\') {
            out.append(1, '\\').append(1, c);
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\r') {
            out += "\\r";
        } else if (c == '\t') {
            out += "\\t";
        } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\x%02x", static_cast<unsigned>(c) & 0xffU);
            out += escape;
        } else {
            out += c;
        }
    }
    return out += quote;
}

std::string quoted_short(std::string_view text) {
    constexpr std::size_t longest = 30;
    constexpr std::size_t head = 12; // characters of the quoted text, as reprlib counts them
    constexpr std::size_t tail = 13;
    std::string whole = quoted(text);
    if (whole.size() <= longest) return whole;
    std::size_t from = whole.size() - tail - 1;
    std::size_t to = head + 1;
    const auto inside = [&](std::size_t i) { // of a UTF-8 sequence
        return (static_cast<unsigned char>(whole[i]) & 0xc0U) == 0x80U;
    };
    while (inside(to)) ++to;
    while (inside(from)) ++from;
    if (from <= to) return whole;
    return whole.substr(0, to) + "..." + whole.substr(from);
}

std::string traceback_line(std::string_view file, unsigned line, std::string_view function) {
    std::string text = "  File \"";
    text.append(file).append("\", line ").append(std::to_string(line)).append(", in ");
    return text.append(function);
}

} // namespace asyncio::detail
