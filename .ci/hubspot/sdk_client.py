"""HubSpot's newer library for Python, hubspot-sdk, which speaks the version of March 2026. That of September it knows by the
calls without a type that every library of this making has."""

import os

import receiver
from hubspot_sdk import ConflictError, HubSpot

client = HubSpot(access_token=os.environ["HUBSPOT_TOKEN"], base_url=os.environ["HUBSPOT_URL"])
primary = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]
of_lead = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 578}]

receiver.start()
crm, people = client.crm, client.crm.objects.contacts
values = {"email": "sara.sdk@example.org", "firstname": "Sara", "lifecyclestage": "lead"}
contact = people.create(properties=values, associations=[])
assert contact.properties["email"] == "sara.sdk@example.org"
assert people.get(contact.id, properties=["lifecyclestage"]).properties["lifecyclestage"] == "lead"
assert people.update(contact.id, properties={"firstname": "Eve"}).properties["firstname"] == "Eve"
try:
    people.create(properties=values, associations=[])
    raise SystemExit("an address was taken twice")
except ConflictError as error:
    assert "Existing ID: " + contact.id in str(error)

company = crm.objects.companies.create(properties={"name": "SDK and Sons"}, associations=[])
crm.associations.create(
    company.id, from_object_type="contacts", from_object_id=contact.id, to_object_type="companies"
)
seen = crm.associations.batch.get("companies", from_object_type="contacts", inputs=[{"id": contact.id}])
assert [str(to.to_object_id) for to in seen.results[0].to] == [company.id]

lead = crm.objects.leads.create(
    properties={"hs_lead_name": "Sara"}, associations=[{"to": {"id": contact.id}, "types": of_lead}]
)
assert crm.objects.leads.get(lead.id, properties=["hs_lead_name"]).properties["hs_lead_name"] == "Sara"

deals = crm.objects.deals.batch
inputs = [{"properties": {"dealname": name, "dealstage": "contractsent"}, "associations": []} for name in "ab"]
made = deals.create(inputs=inputs).results
deals.update(inputs=[{"id": deal.id, "properties": {"amount": "10"}} for deal in made])
read = deals.get(inputs=[{"id": deal.id} for deal in made], properties=["amount"], properties_with_history=[])
assert [deal.properties["amount"] for deal in read.results] == ["10", "10"]
deals.delete(inputs=[{"id": deal.id} for deal in made])

crm.properties.groups.create("contacts", name="sdk_group", label="SDK", display_order=-1)
made = crm.properties.create(
    "contacts",
    group_name="sdk_group", name="sdk_id", label="SDK ID", type="string", field_type="text", has_unique_value=True,
)
assert made.has_unique_value
assert any(each.name == "sdk_id" for each in crm.properties.list("contacts").results)
stages = crm.pipelines.list("deals").results[0].stages
assert any(stage.id == "contractsent" for stage in stages)
assert any(owner.email == "olga@example.org" for owner in crm.owners.list())

one = {"propertyName": "email", "operator": "EQ", "value": "sara.sdk@example.org"}
found = receiver.until(
    "Sara in the index",
    lambda: people.search(
        filter_groups=[{"filters": [one]}], sorts=["hs_object_id"], properties=["firstname"], limit=10, after="0"
    ).results,
)
assert [each.id for each in found] == [contact.id]

later = client.post(
    "/crm/objects/2026-09/contacts",
    cast_to=object,
    body={"properties": {"email": "sara.2026-09@example.org"}, "associations": []},
)
assert client.get(f"/crm/objects/2026-09/0-1/{later['id']}?properties=email", cast_to=object)["properties"]["email"]
receiver.created(contact.id)
print("hubspot-sdk: 2026-03 typed, 2026-09 by calls without a type")
