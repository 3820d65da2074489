// SPDX-License-Identifier: MPL-2.0
#include "core/message.h"

#include <string.h>

#define ADDRESS_MAX 254 // RFC 5321, 4.5.3.1.3, without the brackets
#define LOCAL_MAX   64
#define HOST_MAX    253
#define LABEL_MAX   63

static bool is_letter_or_digit(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 5322 dot-atom: what needs no quoting anywhere, so that an address means the same in the envelope and in
// the header.
static bool is_dot_atom(const char *text, size_t length)
{
    if (length == 0 || length > LOCAL_MAX || text[0] == '.' || text[length - 1] == '.')
        return false;
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '.' ? text[i - 1] == '.'
                           : !is_letter_or_digit(text[i]) && !memchr("!#$%&'*+-/=?^_`{|}~", text[i], 19))
            return false;
    }
    return true;
}

static bool is_host_name(const char *text, size_t length)
{
    if (length == 0 || length > HOST_MAX)
        return false;
    size_t label = 0;
    for (size_t i = 0; i <= length; i++) {
        if (i == length || text[i] == '.') {
            if (label == 0 || label > LABEL_MAX || text[i - label] == '-' || text[i - 1] == '-')
                return false;
            label = 0;
        } else if (is_letter_or_digit(text[i]) || text[i] == '-') {
            label++;
        } else {
            return false;
        }
    }
    return true;
}

bool message_address_is_sound(const char *address)
{
    size_t length = address ? strnlen(address, ADDRESS_MAX + 1) : 0;
    const char *at = length > 0 && length <= ADDRESS_MAX ? memchr(address, '@', length) : NULL;
    return at && is_dot_atom(address, (size_t)(at - address)) &&
           is_host_name(at + 1, (size_t)(address + length - at - 1));
}
