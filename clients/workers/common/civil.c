/* Dates and times: see civil.h. */
#include "common/civil.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Days of the proleptic Gregorian calendar since 1970-01-01. Years start in March, so that the leap day is the last one. */
static int64_t
day_of(int64_t year, int month, int day)
{
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static void
date_of(int64_t days, int64_t *out_year, int *out_month, int *out_day)
{
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int month = (int)((5 * day_of_year + 2) / 153);
    *out_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *out_month = month < 10 ? month + 3 : month - 9;
    *out_year = year_of_era + era * 400 + (*out_month <= 2);
}

static int
days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

/* Exactly n digits at *text, which moves on. */
static bool
digits_take(const char **text, int n, int *out)
{
    int value = 0;
    for (int i = 0; i < n; i++, (*text)++) {
        if (!isdigit((unsigned char)**text))
            return false;
        value = value * 10 + (**text - '0');
    }
    *out = value;
    return true;
}

static bool
char_take(const char **text, char wanted)
{
    if (**text != wanted)
        return false;
    (*text)++;
    return true;
}

static bool
date_take(const char **text, int64_t *out_day)
{
    int year, month, day;
    if (!digits_take(text, 4, &year) || !char_take(text, '-') || !digits_take(text, 2, &month) || !char_take(text, '-') || !digits_take(text, 2, &day))
        return false;
    if (year < 1900 || year > 2999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
        return false;
    *out_day = day_of(year, month, day);
    return true;
}

bool
civil_parse_date(const char *text, int64_t *out_day)
{
    int64_t day;
    if (!date_take(&text, &day) || *text)
        return false;
    *out_day = day;
    return true;
}

static bool
offset_take(const char **text, int64_t *out_offset_us)
{
    int hours, minutes;
    if (**text == 'Z' || **text == 'z') {
        (*text)++;
        *out_offset_us = 0;
        return true;
    }
    int sign = **text == '+' ? 1 : **text == '-' ? -1 : 0;
    if (!sign)
        return false;
    (*text)++;
    if (!digits_take(text, 2, &hours) || !char_take(text, ':') || !digits_take(text, 2, &minutes) || hours > 23 || minutes > 59)
        return false;
    *out_offset_us = sign * (hours * CIVIL_HOUR_US + minutes * CIVIL_MINUTE_US);
    return true;
}

bool
civil_parse_time(const char *text, int64_t *out_us)
{
    int64_t day, offset_us, fraction_us = 0;
    int hour, minute, second;
    if (!date_take(&text, &day) || (*text != 'T' && *text != 't' && *text != ' '))
        return false;
    text++;
    if (!digits_take(&text, 2, &hour) || !char_take(&text, ':') || !digits_take(&text, 2, &minute) || !char_take(&text, ':') || !digits_take(&text, 2, &second))
        return false;
    if (hour > 23 || minute > 59 || second > 60)
        return false;
    if (*text == '.') {
        int64_t unit_us = CIVIL_SECOND_US / 10;
        text++;
        if (!isdigit((unsigned char)*text))
            return false;
        for (; isdigit((unsigned char)*text); text++, unit_us /= 10)
            fraction_us += (*text - '0') * unit_us;
    }
    if (!offset_take(&text, &offset_us) || *text)
        return false;
    *out_us = day * CIVIL_DAY_US + hour * CIVIL_HOUR_US + minute * CIVIL_MINUTE_US + second * CIVIL_SECOND_US + fraction_us - offset_us;
    return true;
}

void
civil_format_time(int64_t us, char *out)
{
    int64_t day = us / CIVIL_DAY_US, rest = us % CIVIL_DAY_US;
    if (rest < 0) {
        rest += CIVIL_DAY_US;
        day--;
    }
    civil_format_date(day, out);
    size_t used = strlen(out);
    int64_t seconds = rest / CIVIL_SECOND_US;
    snprintf(out + used, CIVIL_TEXT_BYTES - used, "T%02d:%02d:%02dZ", (int)(seconds / 3600), (int)(seconds / 60 % 60), (int)(seconds % 60));
}

void
civil_format_date(int64_t day, char *out)
{
    int64_t year;
    int month, day_of_month;
    date_of(day, &year, &month, &day_of_month);
    snprintf(out, CIVIL_TEXT_BYTES, "%04lld-%02d-%02d", (long long)year, month, day_of_month);
}

int64_t
civil_add_months(int64_t day, int months)
{
    int64_t year;
    int month, day_of_month;
    date_of(day, &year, &month, &day_of_month);
    int64_t total = year * 12 + (month - 1) + months;
    year = total / 12;
    month = (int)(total % 12) + 1;
    int last = days_in_month(year, month);
    return day_of(year, month, day_of_month < last ? day_of_month : last);
}
