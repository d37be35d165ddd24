//! The countries and regions that Mautic's select fields accept.

/// Whether a country field takes this name. Codes such as `ES` are refused (capture B35).
pub(crate) fn is_country(name: &str) -> bool {
    COUNTRIES.lines().any(|line| line.split(", ").any(|country| country == name))
}

/// Whether a region field takes this name. Codes such as `WA` are refused (capture B36).
///
/// Mautic knows the regions of many more countries; this list is stricter, never kinder.
pub(crate) fn is_region(name: &str) -> bool {
    REGIONS.lines().any(|line| line.split(", ").any(|region| region == name))
}

const COUNTRIES: &str = "\
Afghanistan, Albania, Algeria, Andorra, Angola, Anguilla, Antarctica, Antigua and Barbuda, Argentina, Armenia
Aruba, Australia, Austria, Azerbaijan, Bahamas, Bahrain, Bangladesh, Barbados, Belarus, Belgium, Belize, Benin
Bermuda, Bhutan, Bolivia, Bosnia and Herzegovina, Botswana, Brazil, Brunei, Bulgaria, Burkina Faso, Burundi
Cambodia, Cameroon, Canada, Cape Verde, Cayman Islands, Central African Republic, Chad, Chile, China, Colombia
Comoros, Costa Rica, Croatia, Cuba, Cyprus, Czech Republic, Denmark, Djibouti, Dominica, Dominican Republic
Ecuador, Egypt, El Salvador, Equatorial Guinea, Eritrea, Estonia, Ethiopia, Fiji, Finland, France, Gabon, Gambia
Georgia, Germany, Ghana, Gibraltar, Greece, Greenland, Grenada, Guatemala, Guinea, Guyana, Haiti, Honduras
Hong Kong, Hungary, Iceland, India, Indonesia, Iran, Iraq, Ireland, Israel, Italy, Jamaica, Japan, Jordan
Kazakhstan, Kenya, Kiribati, Kosovo, Kuwait, Kyrgyzstan, Laos, Latvia, Lebanon, Lesotho, Liberia, Libya
Liechtenstein, Lithuania, Luxembourg, Macedonia, Madagascar, Malawi, Malaysia, Maldives, Mali, Malta, Mauritania
Mauritius, Mexico, Moldova, Monaco, Mongolia, Montenegro, Morocco, Mozambique, Myanmar, Namibia, Nauru, Nepal
Netherlands, New Zealand, Nicaragua, Niger, Nigeria, North Korea, Norway, Oman, Pakistan, Panama
Papua New Guinea, Paraguay, Peru, Philippines, Poland, Portugal, Puerto Rico, Qatar, Romania, Russia, Rwanda
Samoa, San Marino, Saudi Arabia, Senegal, Serbia, Seychelles, Sierra Leone, Singapore, Slovakia, Slovenia
Somalia, South Africa, South Korea, South Sudan, Spain, Sri Lanka, Sudan, Suriname, Swaziland, Sweden
Switzerland, Syria, Taiwan, Tajikistan, Tanzania, Thailand, Togo, Tonga, Trinidad and Tobago, Tunisia, Turkey
Turkmenistan, Uganda, Ukraine, United Arab Emirates, United Kingdom, United States, Uruguay, Uzbekistan, Vanuatu
Venezuela, Vietnam, Yemen, Zambia, Zimbabwe";

const REGIONS: &str = "\
Alabama, Alaska, Arizona, Arkansas, California, Colorado, Connecticut, Delaware, District of Columbia, Florida
Georgia, Hawaii, Idaho, Illinois, Indiana, Iowa, Kansas, Kentucky, Louisiana, Maine, Maryland, Massachusetts
Michigan, Minnesota, Mississippi, Missouri, Montana, Nebraska, Nevada, New Hampshire, New Jersey, New Mexico
New York, North Carolina, North Dakota, Ohio, Oklahoma, Oregon, Pennsylvania, Rhode Island, South Carolina
South Dakota, Tennessee, Texas, Utah, Vermont, Virginia, Washington, West Virginia, Wisconsin, Wyoming
Alberta, British Columbia, Manitoba, New Brunswick, Newfoundland and Labrador, Nova Scotia, Ontario
Prince Edward Island, Quebec, Saskatchewan
Alava, Albacete, Alicante, Almeria, Asturias, Avila, Badajoz, Barcelona, Burgos, Caceres, Cadiz, Cantabria
Castellon, Ceuta, Ciudad Real, Cordoba, Cuenca, Girona, Granada, Guadalajara, Guipuzcoa, Huelva, Huesca
Jaen, La Coruna, La Rioja, Las Palmas, Leon, Lleida, Lugo, Madrid, Malaga, Melilla, Murcia, Navarra, Ourense
Palencia, Pontevedra, Salamanca, Segovia, Sevilla, Soria, Tarragona, Teruel, Toledo, Valencia, Valladolid
Vizcaya, Zamora, Zaragoza
Baden-W\u{fc}rttemberg, Bayern, Berlin, Brandenburg, Bremen, Hamburg, Hessen, Mecklenburg-Vorpommern
Niedersachsen, Nordrhein-Westfalen, Rheinland-Pfalz, Saarland, Sachsen, Sachsen-Anhalt, Schleswig-Holstein";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_and_codes_are_not() {
        assert!(is_country("Spain") && is_country("United States"));
        assert!(!is_country("ES") && !is_country(""));
        assert!(is_region("Washington") && !is_region("WA"));
    }
}
