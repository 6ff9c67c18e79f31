"""Words that the vendor supplies: countries, states, time zones. One line each, in the order they are answered."""

_COUNTRIES = """
Afghanistan|Åland Islands|Albania|Algeria|American Samoa|Andorra|Angola|Anguilla|Antarctica|Antigua and Barbuda|
Argentina|Armenia|Aruba|Australia|Austria|Azerbaijan|Bahamas|Bahrain|Bangladesh|Barbados|Belarus|Belgium|Belize|
Benin|Bermuda|Bhutan|Bolivia|Bonaire, Sint Eustatius and Saba|Bosnia and Herzegovina|Botswana|Bouvet Island|Brazil|
British Indian Ocean Territory|Brunei Darussalam|Bulgaria|Burkina Faso|Burundi|Cabo Verde|Cambodia|Cameroon|Canada|
Cayman Islands|Central African Republic|Chad|Chile|China|Christmas Island|Cocos (Keeling) Islands|Colombia|Comoros|
Congo|Congo (Democratic Republic)|Cook Islands|Costa Rica|Côte d'Ivoire|Croatia|Cuba|Curaçao|Cyprus|Czech Republic|
Denmark|Djibouti|Dominica|Dominican Republic|Ecuador|Egypt|El Salvador|Equatorial Guinea|Eritrea|Estonia|Eswatini|
Ethiopia|Falkland Islands|Faroe Islands|Fiji|Finland|France|French Guiana|French Polynesia|
French Southern Territories|Gabon|Gambia|Georgia|Germany|Ghana|Gibraltar|Greece|Greenland|Grenada|Guadeloupe|Guam|
Guatemala|Guernsey|Guinea|Guinea-Bissau|Guyana|Haiti|Heard Island and McDonald Islands|Honduras|Hong Kong|Hungary|
Iceland|India|Indonesia|Iran|Iraq|Ireland|Isle of Man|Israel|Italy|Jamaica|Japan|Jersey|Jordan|Kazakhstan|Kenya|
Kiribati|Kosovo|Kuwait|Kyrgyzstan|Laos|Latvia|Lebanon|Lesotho|Liberia|Libya|Liechtenstein|Lithuania|Luxembourg|
Macao|Madagascar|Malawi|Malaysia|Maldives|Mali|Malta|Marshall Islands|Martinique|Mauritania|Mauritius|Mayotte|
Mexico|Micronesia|Moldova|Monaco|Mongolia|Montenegro|Montserrat|Morocco|Mozambique|Myanmar|Namibia|Nauru|Nepal|
Netherlands|New Caledonia|New Zealand|Nicaragua|Niger|Nigeria|Niue|Norfolk Island|North Korea|North Macedonia|
Northern Mariana Islands|Norway|Oman|Pakistan|Palau|Palestine|Panama|Papua New Guinea|Paraguay|Peru|Philippines|
Pitcairn|Poland|Portugal|Puerto Rico|Qatar|Réunion|Romania|Russia|Rwanda|Saint Barthélemy|Saint Helena|
Saint Kitts and Nevis|Saint Lucia|Saint Martin|Saint Pierre and Miquelon|Saint Vincent and the Grenadines|Samoa|
San Marino|São Tomé and Príncipe|Saudi Arabia|Senegal|Serbia|Seychelles|Sierra Leone|Singapore|Sint Maarten|
Slovakia|Slovenia|Solomon Islands|Somalia|South Africa|South Georgia and the South Sandwich Islands|South Korea|
South Sudan|Spain|Sri Lanka|Sudan|Suriname|Svalbard and Jan Mayen|Sweden|Switzerland|Syria|Taiwan|Tajikistan|
Tanzania|Thailand|Timor-Leste|Togo|Tokelau|Tonga|Trinidad and Tobago|Tunisia|Turkey|Turkmenistan|
Turks and Caicos Islands|Tuvalu|Uganda|Ukraine|United Arab Emirates|United Kingdom|
United States Minor Outlying Islands|United States of America|Uruguay|Uzbekistan|Vanuatu|Vatican City|Venezuela|
Vietnam|Virgin Islands (British)|Virgin Islands (U.S.)|Wallis and Futuna|Western Sahara|Yemen|Zambia|Zimbabwe
"""

_US_STATES = """
Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|District of Columbia|Florida|Georgia|
Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky|Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|
Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico|New York|North Carolina|
North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|
Vermont|Virginia|Washington|West Virginia|Wisconsin|Wyoming
"""

_TIME_ZONES = """
(GMT) Coordinated Universal Time|(GMT) Dublin, Edinburgh, Lisbon, London|(GMT) Monrovia, Reykjavik|
(GMT+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna|(GMT+01:00) Belgrade, Bratislava, Budapest, Prague|
(GMT+01:00) Brussels, Copenhagen, Madrid, Paris|(GMT+01:00) Sarajevo, Skopje, Warsaw, Zagreb|
(GMT+01:00) West Central Africa|(GMT+02:00) Athens, Bucharest|(GMT+02:00) Cairo|(GMT+02:00) Harare, Pretoria|
(GMT+02:00) Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius|(GMT+02:00) Jerusalem|(GMT+03:00) Baghdad|
(GMT+03:00) Istanbul|(GMT+03:00) Kuwait, Riyadh|(GMT+03:00) Moscow, St. Petersburg|(GMT+03:00) Nairobi|
(GMT+03:30) Tehran|(GMT+04:00) Abu Dhabi, Muscat|(GMT+04:00) Baku|(GMT+04:00) Tbilisi|(GMT+04:00) Yerevan|
(GMT+04:30) Kabul|(GMT+05:00) Ashgabat, Tashkent|(GMT+05:00) Islamabad, Karachi|
(GMT+05:30) Chennai, Kolkata, Mumbai, New Delhi|(GMT+05:30) Sri Jayawardenepura|(GMT+05:45) Kathmandu|
(GMT+06:00) Astana|(GMT+06:00) Dhaka|(GMT+06:30) Yangon|(GMT+07:00) Bangkok, Hanoi, Jakarta|
(GMT+08:00) Beijing, Chongqing, Hong Kong, Urumqi|(GMT+08:00) Kuala Lumpur, Singapore|(GMT+08:00) Perth|
(GMT+08:00) Taipei|(GMT+09:00) Osaka, Sapporo, Tokyo|(GMT+09:00) Seoul|(GMT+09:30) Adelaide|(GMT+09:30) Darwin|
(GMT+10:00) Brisbane|(GMT+10:00) Canberra, Melbourne, Sydney|(GMT+10:00) Guam, Port Moresby|(GMT+10:00) Hobart|
(GMT+11:00) Solomon Islands, New Caledonia|(GMT+12:00) Auckland, Wellington|(GMT+12:00) Fiji|
(GMT+13:00) Nuku'alofa|
(GMT-01:00) Azores|(GMT-01:00) Cabo Verde|(GMT-03:00) Brasilia|(GMT-03:00) Buenos Aires|(GMT-03:00) Greenland|
(GMT-03:00) Montevideo|(GMT-03:30) Newfoundland|(GMT-04:00) Asuncion|(GMT-04:00) Atlantic Time (Canada)|
(GMT-04:00) Georgetown, La Paz, Manaus|(GMT-04:00) Santiago|(GMT-05:00) Bogota, Lima, Quito|
(GMT-05:00) Eastern Time (US & Canada)|(GMT-06:00) Central America|(GMT-06:00) Central Time (US & Canada)|
(GMT-06:00) Mexico City|(GMT-07:00) Arizona|(GMT-07:00) Mountain Time (US & Canada)|
(GMT-08:00) Pacific Time (US & Canada)|(GMT-09:00) Alaska|(GMT-10:00) Hawaii|(GMT-11:00) Midway Island, Samoa
"""


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in text.replace("\n", "").split("|"))


COUNTRIES = _words(_COUNTRIES)
US_STATES = _words(_US_STATES)
TIME_ZONES = _words(_TIME_ZONES)
