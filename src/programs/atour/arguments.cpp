// SPDX-License-Identifier: MIT
// The command line of atour, read by hand: there is little to read.
#include "programs/atour/arguments.h"

namespace atour {

std::string_view usage_text() {
    return R"(usage: atour [--sums FILE] [FOLDER]

A tour of asyncio in C++, in five short parts. One of them does real work: it computes the SHA-256
of every file below FOLDER.

  FOLDER         /usr/include if none is given; symbolic links are not followed
  --sums FILE    write the sums to FILE, in the form that `sha256sum --check FILE` reads
  -h, --help     show this and end

Files that cannot be read are named and counted. Ctrl-C ends the tour in order at any time.

exit status: 0 all went well, 1 something failed, 2 wrong arguments, 130 ended by Ctrl-C
)";
}

Arguments parse_arguments(std::span<const char* const> words) {
    Arguments arguments;
    bool has_folder = false;
    bool options_end = false; // after --, a word may begin with -
    for (std::size_t i = 0; i < words.size(); ++i) {
        const std::string word = words[i];
        if (!options_end && word == "--") {
            options_end = true;
        } else if (!options_end && (word == "-h" || word == "--help")) {
            arguments.help = true;
        } else if (!options_end && (word == "--sums" || word.starts_with("--sums="))) {
            const bool has_value = word != "--sums";
            if (!has_value && i + 1 == words.size()) throw UsageError("--sums needs a file");
            arguments.sums_file = has_value ? word.substr(word.find('=') + 1) : words[++i];
            if (arguments.sums_file.empty()) throw UsageError("--sums needs a file");
        } else if (!options_end && word.starts_with("-")) {
            throw UsageError("there is no option " + word);
        } else if (word.empty()) {
            throw UsageError("the name of the folder is empty");
        } else if (has_folder) {
            throw UsageError("one folder at a time: " + arguments.folder + " or " + word + "?");
        } else {
            arguments.folder = word;
            has_folder = true;
        }
    }
    return arguments;
}

} // namespace atour
